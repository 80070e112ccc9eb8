//! Peers of rusted-ring that are written in Rust, timed with Criterion, one case a name `work/peer/key=value/...`.
//!
//! Build, outside of the source tree, all peers or some of them:
//!
//! ```text
//! CARGO_TARGET_DIR=OUT cargo build --release --locked
//! CARGO_TARGET_DIR=OUT cargo build --release --locked --no-default-features --features rtrb,crossbeam
//! ```
//!
//! Run once, each case for a short time, those whose name a regular expression finds:
//!
//! ```text
//! CRITERION_HOME=RESULTS OUT/release/rusted-ring-bench-peers --bench --noplot --quiet --nresamples 1000 \
//!     --sample-size 10 --warm-up-time 0.05 --measurement-time 0.1 [REGEX]
//! ```
//!
//! RESULTS should be a new folder, else Criterion compares with what is there. Each `RESULTS/**/new/benchmark.json` has
//! the name in `full_id`; nanoseconds per event are `median.point_estimate` of the `estimates.json` beside it, divided
//! by `throughput.Elements` (events of an iteration) of the `benchmark.json`.
//!
//! `--list` in place of the times prints a line `NAME: benchmark` for each case. `--notes` alone prints JSON: the CPUs
//! that threads are pinned to, the peers that are built in, and for beginnings of names what is missing and why
//! (`missing`), and what should be known of a figure (`notes`).
//!
//! A peer that deadlocks would spin for ever: run it with a time limit.

// A build without some of the peers does not use all of the works.
#![cfg_attr(
    not(all(
        feature = "crossbeam",
        feature = "disruptor",
        feature = "rtrb",
        feature = "rusted-ring-0-3-2",
        feature = "rusted-ring-0-5-6"
    )),
    allow(dead_code)
)]

mod event;
mod peers;
mod works;

use std::env;

use criterion::Criterion;
use serde_json::{Value, json};

use peers::Peer;
use works::{Bench, Cpus};

fn main() {
    let cpus = Cpus::of_this_process();
    let peers = peers::all();
    if env::args().skip(1).any(|argument| argument == "--notes") {
        println!("{:#}", notes(&peers, &cpus));
        return;
    }
    cpus.pin(0);
    let mut bench = Bench { criterion: Criterion::default().configure_from_args(), cpus };
    for run in peers.iter().filter_map(|peer| peer.run.ok()) {
        run(&mut bench);
    }
    bench.criterion.final_summary();
}

fn notes(peers: &[Peer], cpus: &Cpus) -> Value {
    let mut missing = Vec::new();
    let mut notes = Vec::new();
    for peer in peers {
        missing.extend(peer.cannot.iter().map(|(case, reason)| json!({"case": case, "reason": reason})));
        match peer.run {
            Err(feature) => missing.extend(peer.works.iter().map(|work| {
                json!({"case": format!("{work}/{}/", peer.name), "reason": format!("the feature {feature} is off")})
            })),
            Ok(_) => {
                notes.extend(peer.notes.iter().map(|(case, note)| json!({"case": case, "note": note})));
                if !cpus.are_two() {
                    missing.extend(peer.works.iter().filter_map(|work| works::in_two_threads_of(work, peer.name)).map(
                        |case| json!({"case": case, "reason": "needs two CPUs, and this process may use one"}),
                    ));
                }
            }
        }
    }
    let built: Vec<_> = peers.iter().filter(|peer| peer.run.is_ok()).map(|peer| peer.name).collect();
    json!({"cpus": cpus.ids(), "peers": built, "missing": missing, "notes": notes})
}
