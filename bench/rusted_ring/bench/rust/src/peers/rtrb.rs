//! rtrb: a ring for one writer and one reader. The bulk calls are those on slices.
//!
//! In one thread it moves bare bytes, with which it is a third faster than with events aligned to a line; between
//! threads, where a line that holds parts of two events would go to and fro, it moves those.

use std::hint::{black_box, spin_loop};

use rtrb::RingBuffer;

use crate::event::{BATCH, CAPACITY, Checksum, Event, PAYLOAD, batch, source};
use crate::works::Bench;

pub fn run(bench: &mut Bench) {
    let (mut producer, mut consumer) = RingBuffer::<[u8; PAYLOAD]>::new(CAPACITY);
    bench.ring("rtrb", "gated", |number, out| {
        producer.push(source(number).0).expect("the ring is empty");
        out.0 = consumer.pop().expect("the ring holds one event");
    });
    let (mut producer, mut consumer) = RingBuffer::<Event>::new(CAPACITY);
    bench.stream(
        "rtrb",
        1,
        |events| {
            for number in 0..events {
                while producer.push(*source(number)).is_err() {
                    spin_loop();
                }
            }
        },
        |events| {
            let mut checksum = Checksum::default();
            for _ in 0..events {
                let event = loop {
                    match consumer.pop() {
                        Ok(event) => break event,
                        Err(_) => spin_loop(),
                    }
                };
                checksum.add(black_box(&event.0));
            }
            checksum
        },
    );
    bench.stream(
        "rtrb",
        BATCH,
        |events| {
            for number in (0..events).step_by(BATCH) {
                while producer.push_entire_slice(batch(number)).is_err() {
                    spin_loop();
                }
            }
        },
        |events| {
            let mut checksum = Checksum::default();
            let mut out = [Event::ZERO; BATCH];
            for _ in (0..events).step_by(BATCH) {
                while consumer.pop_entire_slice(&mut out).is_err() {
                    spin_loop();
                }
                black_box(&out).iter().for_each(|event| checksum.add(&event.0));
            }
            checksum
        },
    );
}
