//! What is not instrumented in the prebuilt standard library: refused, and not run without the engine's knowledge.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, OnceLock};

static COUNT: Mutex<u32> = Mutex::new(0);
static ONCE: Once = Once::new();
static LAZY: OnceLock<u32> = OnceLock::new();
static SEEN: AtomicU32 = AtomicU32::new(0);

fn touch() {
    if cfg!(mutex) {
        *COUNT.lock().unwrap() += 1;
    } else if cfg!(once) {
        ONCE.call_once(|| SEEN.store(1, Ordering::Relaxed));
    } else if cfg!(lazy) {
        SEEN.store(*LAZY.get_or_init(|| 3), Ordering::Relaxed);
    } else if cfg!(park) {
        std::thread::park();
    } else if cfg!(print) {
        println!("seen {}", SEEN.load(Ordering::Relaxed));
    } else if cfg!(spawn) {
        std::thread::spawn(|| SEEN.store(1, Ordering::Relaxed)).join().unwrap();
    } else if cfg!(assembly) {
        #[cfg(assembly)]
        unsafe {
            std::arch::asm!("mov dword ptr [{0}], 1", in(reg) SEEN.as_ptr());
        }
    } else if cfg!(processor) {
        #[cfg(processor)]
        unsafe {
            std::arch::x86_64::_mm_mfence();
        }
    } else {
        std::thread::yield_now();
    }
}

#[no_mangle]
pub extern "C" fn thread_0() {
    touch();
}

#[no_mangle]
pub extern "C" fn thread_1() {
    touch();
}
