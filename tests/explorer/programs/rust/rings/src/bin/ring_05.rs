//! rusted-ring 0.5.6: one add beside one read.
use rusted_ring_05::{PooledEvent, Reader, RingBuffer, Writer};
use std::thread;

fn main() {
    let ring: &'static RingBuffer<8, 4> = Box::leak(Box::new(RingBuffer::new()));
    let adding = thread::spawn(move || {
        Writer::new(ring).add(PooledEvent { data: [1; 8], len: 8, event_type: 0 });
    });
    Reader::new(ring).next();
    adding.join().unwrap();
}
