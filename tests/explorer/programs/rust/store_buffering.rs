//! Two threads, each stores its own flag and then looks at the other's: not both may miss the other's store.
use std::sync::atomic::{AtomicU32, Ordering};

static FLAGS: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
static MISSED: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];
const ORDERS: (Ordering, Ordering) = if cfg!(relaxed) {
    (Ordering::Release, Ordering::Acquire)
} else {
    (Ordering::SeqCst, Ordering::SeqCst)
};

fn enter(own: usize) {
    FLAGS[own].store(1, ORDERS.0);
    if FLAGS[1 - own].load(ORDERS.1) == 0 {
        MISSED[own].store(1, Ordering::Relaxed);
    }
}

#[no_mangle]
pub extern "C" fn thread_0() {
    enter(0);
}

#[no_mangle]
pub extern "C" fn thread_1() {
    enter(1);
}

#[no_mangle]
pub extern "C" fn check() {
    let missed: u32 = MISSED.iter().map(|one| one.load(Ordering::Relaxed)).sum();
    assert!(missed < 2, "both threads entered");
}
