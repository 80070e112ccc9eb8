//! disruptor-rs: one producer, and one EventPoller in a thread of the harness, as the crate offers beside its own
//! threads.
//!
//! A poll takes all events that are there, whatever the size in which they were published: that is the crate's way to
//! read.

use std::hint::{black_box, spin_loop};

use disruptor::{BusySpin, Producer, build_single_producer};

use crate::event::{BATCH, CAPACITY, Checksum, Event, batch, source};
use crate::works::Bench;

pub fn run(bench: &mut Bench) {
    let (mut poller, builder) = build_single_producer(CAPACITY, || Event::ZERO, BusySpin).new_event_poller();
    let mut producer = builder.build();
    bench.ring("disruptor-rs", "gated", |number, out| {
        producer.publish(|slot| *slot = *source(number));
        let mut events = poller.poll().expect("the ring holds one event");
        *out = *(&mut events).next().expect("the ring holds one event");
    });
    let mut read = |events: usize| {
        let mut checksum = Checksum::default();
        let mut left = events;
        while left > 0 {
            let Ok(mut events) = poller.poll() else {
                spin_loop();
                continue;
            };
            for event in &mut events {
                let out = *event;
                checksum.add(black_box(&out.0));
                left -= 1;
            }
        }
        checksum
    };
    bench.stream(
        "disruptor-rs",
        1,
        |events| (0..events).for_each(|number| producer.publish(|slot| *slot = *source(number))),
        &mut read,
    );
    bench.stream(
        "disruptor-rs",
        BATCH,
        |events| {
            for number in (0..events).step_by(BATCH) {
                producer
                    .batch_publish(BATCH, |slots| slots.zip(batch(number)).for_each(|(slot, event)| *slot = *event));
            }
        },
        read,
    );
}
