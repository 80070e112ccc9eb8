//! rusted-ring 0.3.2: the version with the pool. Its pool of 64-byte events has 2,000 slots, searched from the first.

use std::thread;

use rusted_ring_0_3_2::{allocator::EventAllocator, ring::PooledEvent, ring_ptr::RingPtr};

use crate::event::{Event, source};
use crate::works::Bench;

pub fn run(bench: &mut Bench) {
    let allocator = allocator();
    let allocate = |event: &Event| -> RingPtr<PooledEvent<64>> {
        allocator.allocate_xs_event(&event.0, 0).expect("the pool has a free slot")
    };
    bench.pool("rusted-ring-0.3.2", allocate);
    bench.clone("rusted-ring-0.3.2", &allocate(source(0)));
}

/// The pools are built on the stack and only then moved to the heap, and a RingPtr holds its allocator for ever.
fn allocator() -> &'static EventAllocator {
    thread::Builder::new()
        .stack_size(64 << 20)
        .spawn(|| Box::leak(Box::new(EventAllocator::new())))
        .expect("a thread with a stack of 64 MiB cannot be started")
        .join()
        .expect("the pools of rusted-ring 0.3.2 could not be built")
}
