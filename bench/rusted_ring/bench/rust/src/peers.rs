//! The peers, one module each, behind the feature of its crate, and what each of them does.

mod arc;
#[cfg(feature = "crossbeam")]
mod crossbeam_array_queue;
#[cfg(feature = "disruptor")]
mod disruptor_rs;
#[cfg(feature = "rtrb")]
mod rtrb;
#[cfg(feature = "rusted-ring-0-3-2")]
mod rusted_ring_0_3_2;
#[cfg(feature = "rusted-ring-0-5-6")]
mod rusted_ring_0_5_6;

use crate::works::Bench;

pub struct Peer {
    pub name: &'static str,
    pub works: &'static [&'static str],
    /// What it cannot do: the beginning of the names of the cases, and why.
    pub cannot: &'static [(&'static str, &'static str)],
    /// What a reader of its figures should know: the beginning of the names of the cases, and the note.
    pub notes: &'static [(&'static str, &'static str)],
    /// Or the feature without which this was built.
    pub run: Result<fn(&mut Bench), &'static str>,
}

/// The peer's function if its feature is on, else the feature's name.
macro_rules! behind {
    ($feature:literal, $module:ident) => {{
        #[cfg(feature = $feature)]
        let run: Result<fn(&mut Bench), &'static str> = Ok($module::run);
        #[cfg(not(feature = $feature))]
        let run: Result<fn(&mut Bench), &'static str> = Err($feature);
        run
    }};
}

pub fn all() -> [Peer; 6] {
    [
        Peer {
            name: "Arc",
            works: &["pool", "clone"],
            cannot: &[],
            notes: &[("pool/Arc/", "Arc::new of 64 bytes without an alignment, by the system's malloc")],
            run: Ok(arc::run),
        },
        Peer {
            name: "rusted-ring-0.3.2",
            works: &["pool", "clone"],
            cannot: &[
                (
                    "ring/rusted-ring-0.3.2/",
                    "its reader sticks after capacity - 1 events, when the writer's cursor wraps",
                ),
                (
                    "stream/rusted-ring-0.3.2/",
                    "its reader sticks after capacity - 1 events, when the writer's cursor wraps",
                ),
            ],
            notes: &[("pool/rusted-ring-0.3.2/", "searches its 2,000 slots from the first: linear in the occupancy")],
            run: behind!("rusted-ring-0-3-2", rusted_ring_0_3_2),
        },
        Peer {
            name: "rusted-ring-0.5.6",
            works: &["ring", "stream"],
            cannot: &[
                ("pool/rusted-ring-0.5.6/", "this version has no pool"),
                ("clone/rusted-ring-0.5.6/", "this version has no shared references"),
                ("ring/rusted-ring-0.5.6/payload=64/capacity=1024/mode=gated", "its writer has no gating sequence"),
                (
                    "stream/rusted-ring-0.5.6/payload=64/batch=1/capacity=1024/mode=overwrite",
                    "a reader that was overtaken is not told and is handed torn and repeated events: nothing to check",
                ),
                ("stream/rusted-ring-0.5.6/payload=64/batch=64/", "it has no bulk call"),
            ],
            notes: &[(
                "stream/rusted-ring-0.5.6/payload=64/batch=1/capacity=1024/mode=gated",
                "works only with the harness' help: the cursor's load is forced (it is not atomic, a spinning reader \
                 would never see an event), and the harness holds the writer back (the crate has no gating sequence)",
            )],
            run: behind!("rusted-ring-0-5-6", rusted_ring_0_5_6),
        },
        Peer {
            name: "rtrb",
            works: &["ring", "ring-in-place", "stream"],
            cannot: &[],
            notes: &[],
            run: behind!("rtrb", rtrb),
        },
        Peer {
            name: "crossbeam-array-queue",
            works: &["ring", "stream"],
            cannot: &[("stream/crossbeam-array-queue/payload=64/batch=64/", "it has no bulk call")],
            notes: &[("stream/crossbeam-array-queue/", "made for many writers and readers, used by one of each")],
            run: behind!("crossbeam", crossbeam_array_queue),
        },
        Peer {
            name: "disruptor-rs",
            works: &["ring", "stream"],
            cannot: &[],
            notes: &[(
                "stream/disruptor-rs/",
                "EventPoller: a poll takes all events that are there, whatever the size in which they were published",
            )],
            run: behind!("disruptor", disruptor_rs),
        },
    ]
}
