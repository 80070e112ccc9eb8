//! rusted-ring 0.3.2: a writer adds events while a reader reads some; with the feature `lapped` the writer overtakes the reader.
use rusted_ring_03::{PooledEvent, Reader, RingBuffer, Writer};
use std::sync::Arc;
use std::thread;

const ADDS: u8 = if cfg!(feature = "lapped") { 6 } else { 2 };
const READS: u8 = if cfg!(feature = "lapped") { 3 } else { 1 };

fn event(number: u8) -> PooledEvent<8> {
    PooledEvent { data: [number; 8], len: 8, event_type: 0 }
}

fn main() {
    let ring = Arc::new(RingBuffer::<8, 4>::new());
    let mut writer = Writer { ringbuffer: ring.clone(), last_ts: 0 };
    let mut reader = Reader { ringbuffer: ring, cursor: 0, last_ts: 0 };
    let adding = thread::spawn(move || {
        for number in 1..=ADDS {
            writer.add(event(number));
        }
    });
    for _ in 0..READS {
        reader.next();
    }
    adding.join().unwrap();
}
