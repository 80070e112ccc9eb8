//! A producer pushes two numbers and a consumer pops two, over a ring of two.
use rtrb::RingBuffer;
use std::thread;

fn main() {
    let (mut producer, mut consumer) = RingBuffer::<u32>::new(2);
    let writer = thread::spawn(move || {
        producer.push(1).unwrap();
        producer.push(2).unwrap();
    });
    let seen: Vec<u32> = (0..2).filter_map(|_| consumer.pop().ok()).collect();
    assert!(seen.iter().copied().eq(1..=seen.len() as u32));
    writer.join().unwrap();
}
