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

/// Events to copy from, made ahead: a number stamped just before the copy would cost a failed store forward each time.
static SOURCES: [Event; BATCH] = {
    let mut sources = [Event::ZERO; BATCH];
    let mut byte = 0;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    while byte < BATCH * PAYLOAD {
        // xorshift64 of Marsaglia, "Xorshift RNGs", 2003.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        sources[byte / PAYLOAD].0[byte % PAYLOAD] = random as u8;
        byte += 1;
    }
    sources
};

pub fn source(number: usize) -> &'static Event {
    &SOURCES[number % BATCH]
}

/// The events `number..number + BATCH` where `number` is a multiple of `BATCH`.
pub fn batch() -> &'static [Event; BATCH] {
    &SOURCES
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
