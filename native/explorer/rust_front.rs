//! What the explorer puts in the place of the panic handler and of the runtime's start: compiled with the program's compiler.
#![cfg_attr(not(whole), no_std)]

use core::fmt::Write;
use core::panic::PanicInfo;

extern "C" {
    fn explorer_panicked(text: *const u8, size: usize, file: *const u8, file_size: usize, line: u32) -> !;
}

struct Text {
    bytes: [u8; 400],
    used: usize,
}

impl Write for Text {
    fn write_str(&mut self, more: &str) -> core::fmt::Result {
        for &byte in more.as_bytes() {
            if self.used < self.bytes.len() {
                self.bytes[self.used] = byte;
                self.used += 1;
            }
        }
        Ok(())
    }
}

/// In the place of `rust_begin_unwind`.
#[no_mangle]
pub fn explorer_panic_handler(info: &PanicInfo<'_>) -> ! {
    let mut text = Text { bytes: [0; 400], used: 0 };
    let _ = write!(text, "{}", info.message());
    let (file, line) = match info.location() {
        Some(place) => (place.file(), place.line()),
        None => ("", 0),
    };
    unsafe { explorer_panicked(text.bytes.as_ptr(), text.used, file.as_ptr(), file.len(), line) }
}

/// In the place of `std::rt::lang_start_internal`: `main`, without what the runtime asks of the system before it (handlers of
/// signals, guards of stacks). What threads share in the standard library is set up first: otherwise each execution chooses
/// which thread does that.
#[cfg(whole)]
#[no_mangle]
pub fn explorer_lang_start(main: &(dyn Fn() -> i32 + Sync), _: isize, _: *const *const u8, _: u8) -> isize {
    std::thread::current();
    main() as isize
}
