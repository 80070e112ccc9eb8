//! A function that a C program calls from its threads.
use std::sync::atomic::{AtomicU32, Ordering};

static COUNT: AtomicU32 = AtomicU32::new(0);

#[no_mangle]
pub extern "C" fn count_up() -> u32 {
    if cfg!(split) {
        let count = COUNT.load(Ordering::Relaxed) + 1;
        COUNT.store(count, Ordering::Relaxed);
        count
    } else {
        COUNT.fetch_add(1, Ordering::Relaxed) + 1
    }
}
