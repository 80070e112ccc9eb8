/*
 * common.hpp - what all works share: the names of figures, payloads that are checked, pinned threads, how time is taken.
 *
 * A figure is named work/peer/key=value/... and its counter `ns_per_event` is what it costs, in nanoseconds. Work of one
 * thread is timed in that thread's processor time, since nothing else can hold it up; work of several threads in wall time,
 * round by round, from the first start to the last end.
 */
#ifndef BENCH_COMMON_HPP
#define BENCH_COMMON_HPP

#include <benchmark/benchmark.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace bench {

constexpr std::size_t line_bytes = 64;

/* --------------------------------------------------------------------------------------------------------- figures */

inline std::string key(const char *name, const std::string &value)
{
    return "/" + std::string(name) + "=" + value;
}

inline std::string key(const char *name, std::size_t value)
{
    return key(name, std::to_string(value));
}

inline std::string figure(const char *work, const char *peer, std::initializer_list<std::string> keys)
{
    std::string name = std::string(work) + "/" + peer;
    for (const std::string &one : keys) {
        name += one;
    }
    return name;
}

/* Registers a figure; `run` is called for each of Google Benchmark's trials and sets everything up anew. */
template <class Run> benchmark::internal::Benchmark *add_figure(const std::string &name, Run run)
{
    return benchmark::RegisterBenchmark(name.c_str(), run);
}

/* Each iteration of the timed loop was so many events. */
inline void count_iterations(benchmark::State &state, std::size_t events = 1)
{
    using benchmark::Counter;
    state.counters["ns_per_event"] =
        Counter(1e-9 * static_cast<double>(events), Counter::kIsIterationInvariantRate | Counter::kInvert);
}

/* A work that did not do what it is timed for has no figure: the run ends. */
[[noreturn]] inline void fail(const char *what)
{
    std::fprintf(stderr, "bench_core: %s; no figure of this run counts\n", what);
    std::abort();
}

inline void require(bool holds, const char *what)
{
    if (!holds) {
        fail(what);
    }
}

/* A number that the compiler does not know, as the core does not know the length of a payload. */
inline std::size_t run_time_value(std::size_t value)
{
    volatile std::size_t hidden = value;
    return hidden;
}

/* -------------------------------------------------------------------------------------------------------- payloads */

/* Bytes at the start of a cache line. */
using Words = std::unique_ptr<std::uint64_t[], void (*)(void *)>;

inline Words aligned_words(std::size_t bytes)
{
    std::size_t rounded = (bytes + line_bytes - 1) / line_bytes * line_bytes;
    void *memory = std::aligned_alloc(line_bytes, rounded);
    require(memory != nullptr, "no memory left");
    std::fill_n(static_cast<std::uint64_t *>(memory), rounded / 8, std::uint64_t{0});
    return Words(static_cast<std::uint64_t *>(memory), std::free);
}

/*
 * Payloads to send. Event i begins with word first(i), and 64 events in turn begin with different words, so that what
 * arrives shows that it is event i. They are written once: a word stored just before a wide copy reads it would stall that
 * copy. Windows of one small buffer, one cache line apart, so that large payloads are as warm as small ones; those of 64
 * bytes lie back to back, up to 64 from any one on, as bulk calls want them.
 */
class Source {
  public:
    static constexpr std::size_t period = 64;

    explicit Source(std::size_t payload) : words(aligned_words(2 * period * line_bytes + payload))
    {
        std::size_t count = (2 * period * line_bytes + payload) / 8;
        for (std::size_t i = 0; i < count; ++i) {
            words[i] = (i % (period * 8) + 1) * UINT64_C(0x9E3779B97F4A7C15);
        }
    }

    const std::uint64_t *at(std::uint64_t event) const { return &words[event % period * 8]; }
    std::uint64_t first(std::uint64_t event) const { return *at(event); }

  private:
    Words words;
};

/* --------------------------------------------------------------------------------------------------------- threads */

/* The processors that this process may use, in order. */
inline std::vector<int> allowed_cpus()
{
    cpu_set_t set;
    require(sched_getaffinity(0, sizeof set, &set) == 0, "sched_getaffinity was refused");
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &set)) {
            cpus.push_back(cpu);
        }
    }
    return cpus;
}

/* As found at the start, before the main thread was pinned. */
inline const std::vector<int> &cpus()
{
    static const std::vector<int> found = allowed_cpus();
    return found;
}

/* Part of the name where there are more threads than processors. */
inline std::string crowded(std::size_t threads)
{
    return threads > cpus().size() ? key("oversubscribed", 1) : "";
}

/* Pins the calling thread to the processor of member `member` of a team. */
inline void pin(std::size_t member)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpus()[member % cpus().size()], &set);
    require(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity was refused");
}

inline void relax()
{
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/* How everybody waits: spinning, and where there are more threads than processors also giving way now and then. */
class Wait {
  public:
    explicit Wait(bool gives_way) : gives_way(gives_way) {}

    void operator()()
    {
        relax();
        if (gives_way && ++spins % 64 == 0) {
            std::this_thread::yield();
        }
    }

  private:
    bool gives_way;
    unsigned spins = 0;
};

/* Threads, one a processor as far as they reach, that do a work together again and again. The caller is member 0. */
class Team {
  public:
    using Work = std::function<void(std::size_t member, Wait &wait)>;
    using Clock = std::chrono::steady_clock;

    Team(std::size_t size, Work work) : work(std::move(work)), times(size), oversubscribed(size > cpus().size())
    {
        for (std::size_t member = 1; member < size; ++member) {
            threads.emplace_back([this, member] { serve(member); });
        }
    }

    Team(const Team &) = delete;
    Team &operator=(const Team &) = delete;

    ~Team()
    {
        round.store(ended, std::memory_order_release);
        for (std::thread &thread : threads) {
            thread.join();
        }
    }

    /* Every member does the work once. Returns the seconds from the first start to the last end. */
    double run()
    {
        Wait wait(oversubscribed);
        ready.store(0, std::memory_order_relaxed);
        done.store(0, std::memory_order_relaxed);
        round.fetch_add(1, std::memory_order_release);
        take_part(0, wait);
        while (done.load(std::memory_order_acquire) != times.size()) {
            wait();
        }
        Clock::time_point first = times[0].start;
        Clock::time_point last = times[0].end;
        for (const Times &time : times) {
            first = std::min(first, time.start);
            last = std::max(last, time.end);
        }
        return std::chrono::duration<double>(last - first).count();
    }

  private:
    static constexpr std::uint64_t ended = UINT64_MAX;
    struct alignas(line_bytes) Times {
        Clock::time_point start;
        Clock::time_point end;
    };

    void serve(std::size_t member)
    {
        pin(member);
        Wait wait(oversubscribed);
        for (std::uint64_t seen = 0;; ++seen) {
            std::uint64_t now = round.load(std::memory_order_acquire);
            while (now == seen) {
                wait();
                now = round.load(std::memory_order_acquire);
            }
            if (now == ended) {
                return;
            }
            take_part(member, wait);
        }
    }

    void take_part(std::size_t member, Wait &wait)
    {
        ready.fetch_add(1, std::memory_order_acq_rel);
        while (ready.load(std::memory_order_acquire) != times.size()) {
            wait();
        }
        times[member].start = Clock::now();
        work(member, wait);
        times[member].end = Clock::now();
        done.fetch_add(1, std::memory_order_release);
    }

    Work work;
    std::vector<Times> times;
    bool oversubscribed;
    alignas(line_bytes) std::atomic<std::uint64_t> round{0};
    alignas(line_bytes) std::atomic<std::size_t> ready{0};
    alignas(line_bytes) std::atomic<std::size_t> done{0};
    std::vector<std::thread> threads;
};

inline double median(std::vector<double> figures)
{
    auto middle = figures.begin() + static_cast<std::ptrdiff_t>(figures.size() / 2);
    std::nth_element(figures.begin(), middle, figures.end());
    return *middle;
}

/*
 * Times rounds of a team in wall time; after each, `events()` says how many events that one was. The figure is that of the
 * median round, since a round in which the system took a processor away says nothing of the work. The figure must have been
 * given use_wall_time.
 */
template <class Events> void time_team(benchmark::State &state, Team &team, Events events)
{
    std::vector<double> figures;
    for (auto _ : state) {
        double seconds = team.run();
        state.SetIterationTime(seconds);
        figures.push_back(seconds * 1e9 / events());
    }
    state.counters["ns_per_event"] = median(figures);
}

inline void use_wall_time(benchmark::internal::Benchmark *figure)
{
    figure->UseManualTime();
}

/* Events that one round of a team moves: long beside the start of the round, less of large payloads, a multiple of a batch. */
constexpr std::uint64_t round_events(std::size_t payload)
{
    return std::min<std::uint64_t>(102400, (UINT64_C(1) << 26) / payload / 64 * 64);
}

/* -------------------------------------------------------------------------------------------------------- families */

void register_limits();
void register_pools();
void register_rings();
void register_threads();

} // namespace bench

#endif
