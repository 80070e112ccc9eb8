//! The payload that every peer carries: 64 bytes, copied in by the writer and out by the reader.

pub const PAYLOAD: usize = 64;
pub const CAPACITY: usize = 1024;
pub const BATCH: usize = 64;

/// Aligned to a line, so that a peer that lays its elements side by side puts each on a line of its own.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event(pub [u8; PAYLOAD]);

impl Event {
    pub const ZERO: Self = Self([0; PAYLOAD]);
}

/// After so many events the payloads repeat. Prime to the capacity, so that a slot that was overwritten, or was not
/// yet, holds another payload than the reader should find; and few, so that they stay in the first cache.
pub const PERIOD: usize = 67;

/// Events to copy from, made ahead: a number stamped just before the copy would cost a failed store forward each time.
/// A batch may begin with any event of the period.
static SOURCES: [Event; PERIOD + BATCH - 1] = {
    let mut sources = [Event::ZERO; PERIOD + BATCH - 1];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = 0;
    while byte < PERIOD * PAYLOAD {
        // xorshift64 of Marsaglia, "Xorshift RNGs", 2003.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        sources[byte / PAYLOAD].0[byte % PAYLOAD] = random as u8;
        byte += 1;
    }
    let mut number = PERIOD;
    while number < sources.len() {
        sources[number] = sources[number - PERIOD];
        number += 1;
    }
    sources
};

pub fn source(number: usize) -> &'static Event {
    &SOURCES[number % PERIOD]
}

/// The events `number..number + BATCH`.
pub fn batch(number: usize) -> &'static [Event] {
    &SOURCES[number % PERIOD..][..BATCH]
}

/// So many bytes of payloads, those of `source` again and again.
pub fn sources(bytes: usize) -> Vec<u8> {
    (0..bytes.div_ceil(PAYLOAD)).flat_map(|number| source(number).0).take(bytes).collect()
}

/// The sum of all words.
pub fn sum(payload: &[u8]) -> u64 {
    payload.as_chunks().0.iter().fold(0, |sum, word| sum.wrapping_add(u64::from_ne_bytes(*word)))
}

/// A sum over the first and last word of each event that changes with their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum(u64);

impl Checksum {
    pub fn of_sources(events: usize) -> Self {
        let mut checksum = Self::default();
        (0..events).for_each(|number| checksum.add(&source(number).0));
        checksum
    }

    pub fn add(&mut self, payload: &[u8; PAYLOAD]) {
        let [first, .., last] = payload.as_chunks::<8>().0 else { unreachable!("a payload has several words") };
        let both = u64::from_ne_bytes(*first) ^ u64::from_ne_bytes(*last).rotate_left(1);
        self.0 = self.0.rotate_left(5).wrapping_add(both);
    }
}
