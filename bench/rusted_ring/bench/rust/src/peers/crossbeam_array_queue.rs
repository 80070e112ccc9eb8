//! crossbeam's ArrayQueue: a ring for many writers and many readers, used by one of each.

use std::hint::{black_box, spin_loop};

use crossbeam::queue::ArrayQueue;

use crate::event::{CAPACITY, Checksum, Event, source};
use crate::works::Bench;

pub fn run(bench: &mut Bench) {
    let queue = ArrayQueue::<Event>::new(CAPACITY);
    bench.ring("crossbeam-array-queue", "gated", |number, out| {
        queue.push(*source(number)).expect("the queue is empty");
        *out = queue.pop().expect("the queue holds one event");
    });
    bench.stream(
        "crossbeam-array-queue",
        1,
        |events| {
            for number in 0..events {
                while queue.push(*source(number)).is_err() {
                    spin_loop();
                }
            }
        },
        |events| {
            let mut checksum = Checksum::default();
            for _ in 0..events {
                let event = loop {
                    match queue.pop() {
                        Some(event) => break event,
                        None => spin_loop(),
                    }
                };
                checksum.add(black_box(&event.0));
            }
            checksum
        },
    );
}
