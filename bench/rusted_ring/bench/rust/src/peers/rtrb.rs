//! rtrb: a ring for one writer and one reader. The bulk calls are those on slices.
//!
//! In one thread it moves bare bytes, with which it is a third faster than with events aligned to a line; between
//! threads, where a line that holds parts of two events would go to and fro, it moves those. In place it lends chunks.

use std::hint::{black_box, spin_loop};

use rtrb::RingBuffer;

use crate::event::{BATCH, CAPACITY, Checksum, Event, PAYLOAD, batch, source, sum};
use crate::works::Bench;

/// The capacity is a multiple of `batch`, so each chunk lies in one piece.
fn in_place<const N: usize>(bench: &mut Bench, batch: usize, capacity: usize) {
    let (mut producer, mut consumer) = RingBuffer::<[u8; N]>::new(capacity);
    bench.ring_in_place("rtrb", batch, capacity, |events: &[[u8; N]]| {
        let mut chunk = producer.write_chunk_uninit(batch).expect("the ring is empty");
        let (slots, _) = chunk.as_mut_slices();
        assert_eq!(slots.len(), batch);
        for (slot, event) in slots.iter_mut().zip(events) {
            slot.write(*event);
        }
        // SAFETY: all slots of the chunk were written.
        unsafe { chunk.commit_all() };
        let chunk = consumer.read_chunk(batch).expect("the ring holds the events");
        let total = sum(black_box(chunk.as_slices().0).as_flattened());
        chunk.commit_all();
        total
    });
}

pub fn run(bench: &mut Bench) {
    for batch in [1, 16] {
        in_place::<64>(bench, batch, 1024);
        in_place::<4096>(bench, batch, 128);
    }
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
