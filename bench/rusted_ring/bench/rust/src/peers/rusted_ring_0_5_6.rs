//! rusted-ring 0.5.6: the version with the ring alone. Its writer overwrites and its reader does not notice.
//!
//! `stream` needs two things that the crate does not have, and the harness gives it:
//! - the cursor is a plain word, so a compiler may read it once and spin on that for ever (it does): the reader is
//!   passed through `black_box` before each look, which makes the machine code load it again. By Rust's rules it stays
//!   a data race.
//! - nothing gates the writer, and a reader that was overtaken is handed torn and repeated events, which no sum could
//!   check: the reader's progress is kept in a word beside the ring, and the writer waits while it is a whole ring
//!   ahead of it.

use std::hint::{black_box, spin_loop};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusted_ring_0_5_6::{PooledEvent, RingBuffer, RingFactory};

use crate::event::{CAPACITY, Checksum, PAYLOAD, PERIOD, source};
use crate::works::Bench;

static RING: OnceLock<RingBuffer<PAYLOAD, CAPACITY>> = OnceLock::new();
static STREAM: OnceLock<RingBuffer<PAYLOAD, CAPACITY>> = OnceLock::new();

/// On a line of its own.
#[repr(align(128))]
struct Progress(AtomicUsize);

pub fn run(bench: &mut Bench) {
    let sources: [PooledEvent<PAYLOAD>; PERIOD] =
        std::array::from_fn(|number| PooledEvent { len: PAYLOAD as u32, event_type: 0, data: source(number).0 });

    let writer = RingFactory::get_writer(&RING);
    let mut reader = RingFactory::get_reader(&RING);
    bench.ring("rusted-ring-0.5.6", "overwrite", |number, out| {
        black_box(&writer).add(sources[number % PERIOD]);
        let event = black_box(&mut reader).next().expect("the ring holds one event");
        out.0 = event.data;
    });

    let writer = RingFactory::get_writer(&STREAM);
    let mut reader = RingFactory::get_reader(&STREAM);
    let progress = Progress(AtomicUsize::new(0));
    let mut written = 0;
    let mut seen = 0;
    bench.stream(
        "rusted-ring-0.5.6",
        1,
        |events| {
            for number in 0..events {
                while written - seen == CAPACITY {
                    spin_loop();
                    seen = progress.0.load(Ordering::Acquire);
                }
                writer.add(sources[number % PERIOD]);
                written += 1;
            }
        },
        |events| {
            let mut checksum = Checksum::default();
            for _ in 0..events {
                let event = loop {
                    match black_box(&mut reader).next() {
                        Some(event) => break event,
                        None => spin_loop(),
                    }
                };
                progress.0.store(reader.cursor, Ordering::Release);
                checksum.add(&black_box(&event).data);
            }
            checksum
        },
    );
}
