//! The works, each once, for any peer: a peer gives closures, a work gives the loop, the threads and the check.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use criterion::{Criterion, Throughput};

use crate::event::{CAPACITY, Checksum, Event, PAYLOAD, PERIOD, source, sources, sum};

/// Events that one Criterion iteration of a work with several threads moves: starting and joining threads is not timed,
/// and what the first and the last event cost more is spread over these. A multiple of `BATCH`.
const EVENTS_PER_ITERATION: usize = 16_384;

/// Shares of the pool, in percent, that are live before and stay live.
pub const OCCUPANCIES: [usize; 3] = [0, 50, 99];
/// What `OCCUPANCIES` are shares of.
pub const POOL_CAPACITY: usize = 2_000;

/// The first CPUs that the process may use, found before anything is pinned. A thread is pinned to `cpus[0]` or
/// `cpus[1]`.
pub struct Cpus(Vec<CoreId>);

impl Cpus {
    pub fn of_this_process() -> Self {
        Self(core_affinity::get_core_ids().expect("the CPUs that this process may use cannot be read"))
    }

    pub fn are_two(&self) -> bool {
        self.0.len() >= 2
    }

    pub fn pin(&self, thread: usize) {
        let cpu = self.0[thread];
        assert!(core_affinity::set_for_current(cpu), "a thread cannot be pinned to CPU {}", cpu.id);
    }

    pub fn ids(&self) -> Vec<usize> {
        self.0.iter().take(2).map(|cpu| cpu.id).collect()
    }
}

pub struct Bench {
    pub criterion: Criterion,
    pub cpus: Cpus,
}

impl Bench {
    /// `clone`: clone and drop a shared reference.
    pub fn clone<T: Clone>(&mut self, peer: &str, shared: &T) {
        let mut group = self.criterion.benchmark_group(format!("clone/{peer}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("payload={PAYLOAD}"), |bencher| {
            bencher.iter(|| drop(black_box(black_box(shared).clone())));
        });
        group.finish();
    }

    /// `pool`: allocate, fill by a copy, drop; for each occupancy in one thread and, in an empty pool, in two. Of two
    /// threads the figure is the time of one event while the other thread does the same.
    pub fn pool<T: Send + Sync>(&mut self, peer: &str, allocate: impl Fn(&Event) -> T + Sync) {
        let once = |number: usize| drop(black_box(allocate(source(number))));
        let mut group = self.criterion.benchmark_group(format!("pool/{peer}"));
        group.throughput(Throughput::Elements(1));
        for occupancy in OCCUPANCIES {
            let live: Vec<T> = (0..POOL_CAPACITY * occupancy / 100).map(|number| allocate(source(number))).collect();
            group.bench_function(format!("payload={PAYLOAD}/occupancy={occupancy}/threads=1"), |bencher| {
                let mut number = 0;
                bencher.iter(|| {
                    once(number);
                    number += 1;
                });
            });
            drop(live);
        }
        if self.cpus.are_two() {
            let cpus = &self.cpus;
            group.throughput(Throughput::Elements(EVENTS_PER_ITERATION as u64));
            group.bench_function(format!("payload={PAYLOAD}/occupancy=0/threads=2"), |bencher| {
                bencher.iter_custom(|iterations| {
                    let events = iterations as usize * EVENTS_PER_ITERATION;
                    let work = || (0..events).for_each(once);
                    in_two_threads(cpus, work, work).elapsed
                });
            });
        }
        group.finish();
    }

    /// `ring`: one thread puts the event of a number in and takes it out again.
    pub fn ring(&mut self, peer: &str, mode: &str, mut exchange: impl FnMut(usize, &mut Event)) {
        let mut group = self.criterion.benchmark_group(format!("ring/{peer}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("payload={PAYLOAD}/capacity={CAPACITY}/mode={mode}"), |bencher| {
            let mut number = 0;
            let mut out = Event::ZERO;
            bencher.iter(|| {
                exchange(number, &mut out);
                black_box(&out);
                number += 1;
            });
            assert_eq!(&out, source(number - 1), "{peer} did not give back the event that was put in");
        });
        group.finish();
    }

    /// `ring-in-place`: `exchange` writes `batch` events of `N` bytes into slots of the ring, publishes them, and returns
    /// the sum of their words, read in the slots.
    pub fn ring_in_place<const N: usize>(
        &mut self,
        peer: &str,
        batch: usize,
        capacity: usize,
        mut exchange: impl FnMut(&[[u8; N]]) -> u64,
    ) {
        let sources = sources(N * batch + (PERIOD - 1) * PAYLOAD);
        let at = |number: usize| &sources[number % PERIOD * PAYLOAD..][..N * batch];
        let sums: Vec<u64> = (0..PERIOD).map(|number| sum(at(number))).collect();
        let mut group = self.criterion.benchmark_group(format!("ring-in-place/{peer}"));
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(format!("payload={N}/batch={batch}/capacity={capacity}/mode=gated"), |bencher| {
            let mut number = 0;
            let mut wrong = 0;
            bencher.iter(|| {
                wrong |= exchange(at(number).as_chunks().0) ^ sums[number % PERIOD];
                number += 1;
            });
            assert_eq!(wrong, 0, "{peer} did not show the events that were written");
        });
        group.finish();
    }

    /// `stream`: of two threads `write` puts the events `0..n` in, in this thread; `read` takes `n` out, in another,
    /// and sums them.
    pub fn stream(
        &mut self,
        peer: &str,
        batch: usize,
        mut write: impl FnMut(usize),
        mut read: impl FnMut(usize) -> Checksum + Send,
    ) {
        if !self.cpus.are_two() {
            return;
        }
        let cpus = &self.cpus;
        let mut group = self.criterion.benchmark_group(format!("stream/{peer}"));
        group.throughput(Throughput::Elements(EVENTS_PER_ITERATION as u64));
        group.bench_function(format!("payload={PAYLOAD}/batch={batch}/capacity={CAPACITY}/mode=gated"), |bencher| {
            bencher.iter_custom(|iterations| {
                let events = iterations as usize * EVENTS_PER_ITERATION;
                let run = in_two_threads(cpus, || write(events), || read(events));
                assert_eq!(
                    run.result,
                    Checksum::of_sources(events),
                    "{peer} lost, repeated, reordered or tore an event"
                );
                run.elapsed
            });
        });
        group.finish();
    }
}

/// The beginning of the names of the cases of a work that need two threads.
pub fn in_two_threads_of(work: &str, peer: &str) -> Option<String> {
    match work {
        "pool" => Some(format!("pool/{peer}/payload={PAYLOAD}/occupancy=0/threads=2")),
        "stream" => Some(format!("stream/{peer}/")),
        _ => None,
    }
}

struct Run<R> {
    elapsed: Duration,
    result: R,
}

/// Runs `here` in this thread and `there` in a new one, each on its own CPU, timed from when both stand ready until
/// both are done.
fn in_two_threads<R: Send>(cpus: &Cpus, here: impl FnOnce(), there: impl FnOnce() -> R + Send) -> Run<R> {
    let ready = AtomicUsize::new(0);
    // Spinning, because waking a sleeping thread takes as long as thousands of events.
    let meet = || {
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < 2 {
            spin_loop();
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            cpus.pin(1);
            meet();
            let result = there();
            (result, Instant::now())
        });
        meet();
        let start = Instant::now();
        here();
        let here_end = Instant::now();
        let (result, there_end) = other.join().expect("the second thread has failed");
        Run { elapsed: here_end.max(there_end).duration_since(start), result }
    })
}
