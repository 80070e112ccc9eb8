//! One thread pushes and another pops, as many as the first argument of the name says.
use crossbeam_queue::SegQueue;
use std::sync::Arc;
use std::thread;

const COUNT: u32 = if cfg!(feature = "two") { 2 } else { 1 };

fn main() {
    let queue = Arc::new(SegQueue::new());
    let pushed = queue.clone();
    let writer = thread::spawn(move || {
        for number in 1..=COUNT {
            pushed.push(number);
        }
    });
    let mut last = 0;
    for _ in 0..COUNT {
        if let Some(number) = queue.pop() {
            assert_eq!(number, last + 1);
            last = number;
        }
    }
    writer.join().unwrap();
}
