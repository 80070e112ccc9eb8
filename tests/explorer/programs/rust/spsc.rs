//! A ring of one writer and one reader: two pushes beside two pops.
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

const CAPACITY: usize = if cfg!(one) { 1 } else { 2 };
const PUBLISH: Ordering = if cfg!(relaxed) { Ordering::Relaxed } else { Ordering::Release };
const FREE: Ordering = if cfg!(relaxed_free) { Ordering::Relaxed } else { Ordering::Release };

struct Ring {
    slots: [UnsafeCell<u32>; CAPACITY],
    pushed: AtomicUsize,
    popped: AtomicUsize,
}

unsafe impl Sync for Ring {}

static RING: Ring = Ring {
    slots: [const { UnsafeCell::new(0) }; CAPACITY],
    pushed: AtomicUsize::new(0),
    popped: AtomicUsize::new(0),
};

impl Ring {
    fn push(&self, value: u32) -> bool {
        let pushed = self.pushed.load(Ordering::Relaxed);
        if pushed - self.popped.load(Ordering::Acquire) == CAPACITY {
            return false;
        }
        unsafe { *self.slots[pushed % CAPACITY].get() = value };
        self.pushed.store(pushed + 1, PUBLISH);
        true
    }

    fn pop(&self) -> Option<u32> {
        let popped = self.popped.load(Ordering::Relaxed);
        if popped == self.pushed.load(Ordering::Acquire) {
            return None;
        }
        let value = unsafe { *self.slots[popped % CAPACITY].get() };
        self.popped.store(popped + 1, FREE);
        Some(value)
    }
}

#[no_mangle]
pub extern "C" fn writer() {
    RING.push(1);
    RING.push(2);
}

#[no_mangle]
pub extern "C" fn reader() {
    let (first, second) = (RING.pop(), RING.pop());
    assert!(first != Some(2));
    assert!(second != Some(1) || first.is_none());
}
