//! `std::sync::Arc`, by the global allocator (the system's malloc). It holds the bare bytes: alignment to a line would
//! have malloc search for aligned memory, which takes four times as long.

use std::sync::Arc;

use crate::event::source;
use crate::works::Bench;

pub fn run(bench: &mut Bench) {
    bench.pool("Arc", |event| Arc::new(event.0));
    bench.clone("Arc", &Arc::new(source(0).0));
}
