//! Whole programs with std::thread; each `cfg` is one of them.
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{mpsc, Arc, Condvar, Mutex, Once, RwLock};
use std::thread;

static READY: AtomicBool = AtomicBool::new(false);
static mut MESSAGE: u32 = 0;

#[cfg(condvar)]
fn main() {
    let shared = Arc::new((Mutex::new(false), Condvar::new()));
    let other = shared.clone();
    let waker = thread::spawn(move || {
        if !cfg!(lost) {
            *other.0.lock().unwrap() = true;
        } else {
            READY.store(true, Ordering::Release);
        }
        other.1.notify_one();
    });
    let mut ready = shared.0.lock().unwrap();
    while !(*ready || (cfg!(lost) && READY.load(Ordering::Acquire))) {
        ready = shared.1.wait(ready).unwrap();
    }
    drop(ready);
    waker.join().unwrap();
}

#[cfg(park)]
fn main() {
    let main = thread::current();
    let other = thread::spawn(move || {
        unsafe { MESSAGE = 42 };
        READY.store(true, if cfg!(relaxed) { Ordering::Relaxed } else { Ordering::Release });
        if !cfg!(relaxed) {
            main.unpark();
        }
    });
    while !READY.load(Ordering::Acquire) {
        if !cfg!(relaxed) {
            thread::park();
        }
    }
    assert_eq!(unsafe { MESSAGE }, 42);
    other.join().unwrap();
}

#[cfg(scope)]
fn main() {
    let total = AtomicU32::new(0);
    let mut plain = 0;
    thread::scope(|scope| {
        scope.spawn(|| total.fetch_add(1, Ordering::Relaxed));
        plain += 1;
        total.fetch_add(2, Ordering::Relaxed);
    });
    assert_eq!((total.load(Ordering::Relaxed), plain), (3, 1));
}

#[cfg(channel)]
fn main() {
    let (sender, receiver) = mpsc::channel();
    let other = thread::spawn(move || sender.send(5).unwrap());
    assert_eq!(receiver.recv(), Ok(if cfg!(wrong) { 6 } else { 5 }));
    other.join().unwrap();
}

#[cfg(deadlock)]
fn main() {
    let locks = Arc::new((Mutex::new(0), Mutex::new(0)));
    let other = locks.clone();
    let thread = thread::spawn(move || {
        let _first = if cfg!(ordered) { other.0.lock() } else { other.1.lock() };
        let _second = if cfg!(ordered) { other.1.lock() } else { other.0.lock() };
    });
    {
        let _first = locks.0.lock();
        let _second = locks.1.lock();
    }
    thread.join().unwrap();
}

#[cfg(once)]
fn main() {
    static ONCE: Once = Once::new();
    static TABLE: RwLock<u32> = RwLock::new(0);
    let set = || ONCE.call_once(|| *TABLE.write().unwrap() = 9);
    let other = thread::spawn(move || {
        set();
        assert_eq!(*TABLE.read().unwrap(), 9);
    });
    set();
    other.join().unwrap();
    assert_eq!(*TABLE.read().unwrap(), 9);
}

#[cfg(locals)]
fn main() {
    thread_local!(static OWN: Cell<u32> = const { Cell::new(1) });
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            READY.store(true, Ordering::Relaxed);
        }
    }
    thread_local!(static LAST: Last = const { Last });
    OWN.set(5);
    thread::spawn(|| {
        LAST.with(|_| ());
        assert_eq!(OWN.get(), 1);
        OWN.set(2);
    })
    .join()
    .unwrap();
    assert_eq!(OWN.get(), 5);
    assert!(READY.load(Ordering::Relaxed), "the destructor ran when the thread ended");
}

#[cfg(overflow)]
fn main() {
    let numbers = vec![1, 2, 3];
    let other = thread::spawn(move || numbers[READY.load(Ordering::Relaxed) as usize + 2]);
    READY.store(true, Ordering::Relaxed);
    let _ = other.join();
}

#[cfg(leak)]
fn main() {
    std::mem::forget(vec![1, 2, 3]);
    thread::spawn(|| ()).join().unwrap();
}
