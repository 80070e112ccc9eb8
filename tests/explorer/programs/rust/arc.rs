//! A counted reference of our own, cloned and dropped by two threads.
use std::ptr::NonNull;
use std::sync::atomic::{fence, AtomicUsize, Ordering};

struct Shared {
    count: AtomicUsize,
    value: u32,
}

struct Counted(NonNull<Shared>);

unsafe impl Send for Counted {}

impl Counted {
    fn new(value: u32) -> Self {
        let shared = Box::new(Shared { count: AtomicUsize::new(1), value });
        Counted(NonNull::from(Box::leak(shared)))
    }

    fn shared(&self) -> &Shared {
        unsafe { self.0.as_ref() }
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.shared().count.fetch_add(1, Ordering::Relaxed);
        Counted(self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let order = if cfg!(relaxed) { Ordering::Relaxed } else { Ordering::Release };
        if self.shared().count.fetch_sub(1, order) == 1 && !cfg!(leak) {
            fence(Ordering::Acquire);
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

static mut FIRST: Option<Counted> = None;
static mut SECOND: Option<Counted> = None;

#[no_mangle]
pub extern "C" fn setup() {
    let first = Counted::new(7);
    unsafe {
        SECOND = Some(first.clone());
        FIRST = Some(first);
    }
}

fn use_and_drop(one: Option<Counted>) {
    let one = one.unwrap();
    let other = one.clone();
    drop(one);
    assert_eq!(other.shared().value, 7);
}

#[no_mangle]
pub extern "C" fn thread_0() {
    use_and_drop(unsafe { (*(&raw mut FIRST)).take() });
}

#[no_mangle]
pub extern "C" fn thread_1() {
    use_and_drop(unsafe { (*(&raw mut SECOND)).take() });
}
