/*
 * pools.cpp - `pool`: one event allocated, filled and dropped; `clone`: one reference more, and its release.
 *
 * Peers of `pool`: the core (one call that takes a slot and copies the payload in, one that gives it back) and malloc + copy +
 * free of glibc, jemalloc and mimalloc. All three mallocs are called through pointers of the same kind, so that none is
 * nearer; jemalloc and mimalloc are loaded for themselves alone, since linked in they would replace glibc's.
 */
#include <rusted_ring.h>

#include <dlfcn.h>

#include <cstring>

#include "common.hpp"
#include "shapes.hpp"

namespace bench {
namespace {

/* ----------------------------------------------------------------------------------------------------------- peers */

class NativePool {
  public:
    explicit NativePool(std::size_t payload) : payload(run_time_value(payload))
    {
        rr_profile profile = rr_profile_seed();
        allocator = rr_allocator_create(&profile, nullptr);
        require(allocator != nullptr, "no allocator was made");
        int pool = rr_estimate_size(payload);
        require(pool >= 0 && rr_pool_capacity(allocator, static_cast<std::uint32_t>(pool)) == pool_capacity(payload),
                "a pool's capacity is not the one in shapes.hpp");
    }
    NativePool(const NativePool &) = delete;
    NativePool &operator=(const NativePool &) = delete;
    ~NativePool() { require(rr_allocator_destroy(allocator) == RR_OK, "an event was left in a pool"); }

    const std::uint64_t *make(const std::uint64_t *data)
    {
        const std::uint8_t *event = rr_allocate(allocator, data, payload, 1, 0, nullptr);
        require(event != nullptr, "a pool with free slots gave none");
        return reinterpret_cast<const std::uint64_t *>(event);
    }
    void drop(const std::uint64_t *event) { rr_release_payload(allocator, reinterpret_cast<const std::uint8_t *>(event)); }
    void clone(const std::uint64_t *event)
    {
        rr_status status = rr_clone_payload(allocator, reinterpret_cast<const std::uint8_t *>(event));
        require(status == RR_OK, "an event was not cloned");
    }

  private:
    rr_allocator *allocator;
    std::size_t payload;
};

/* Where a malloc is: in the program, or in a library of which nothing else is used. */
struct Malloc {
    const char *peer;
    const char *library; /* NULL: the C library's */
};

constexpr Malloc mallocs[] = {
    {"glibc", nullptr},
#ifdef BENCH_JEMALLOC
    {"jemalloc", BENCH_JEMALLOC},
#endif
#ifdef BENCH_MIMALLOC
    {"mimalloc", BENCH_MIMALLOC},
#endif
};

/* Its library, never unloaded, which a malloc would not bear. NULL where it cannot be loaded: dlerror() says why. */
void *load(const Malloc &from)
{
    return from.library == nullptr ? dlopen(nullptr, RTLD_NOW) : dlopen(from.library, RTLD_NOW | RTLD_LOCAL);
}

class MallocPool {
  public:
    MallocPool(void *library, std::size_t payload)
        : allocate(reinterpret_cast<void *(*)(std::size_t)>(dlsym(library, "malloc"))),
          release(reinterpret_cast<void (*)(void *)>(dlsym(library, "free"))), payload(run_time_value(payload))
    {
        require(allocate != nullptr && release != nullptr, "a malloc library without malloc and free");
    }

    const std::uint64_t *make(const std::uint64_t *data)
    {
        void *block = allocate(payload);
        require(block != nullptr, "no memory left");
        std::memcpy(block, data, payload);
        return static_cast<const std::uint64_t *>(block);
    }
    void drop(const std::uint64_t *event) { release(const_cast<std::uint64_t *>(event)); }

  private:
    void *(*allocate)(std::size_t);
    void (*release)(void *);
    std::size_t payload;
};

/* ------------------------------------------------------------------------------------------------------------ works */

/* What a pool is put through. */
struct Load {
    std::size_t payload;
    std::size_t occupancy; /* percent of the pool that is live before and stays so, spread over it */
    std::size_t threads;   /* that each do the work on the one pool; the figure is what an event takes in each of them */
    std::size_t live;      /* events that a thread keeps: each step drops the oldest; 0: each is dropped at once */
};

/* Fills the pool and drops every so many events of it. Returns those that stay. */
template <class Pool> std::vector<const std::uint64_t *> occupy(Pool &pool, const Load &load, const Source &source)
{
    std::size_t capacity = pool_capacity(load.payload);
    std::vector<const std::uint64_t *> all;
    std::vector<const std::uint64_t *> kept;
    for (std::size_t i = 0; i < capacity; ++i) {
        all.push_back(pool.make(source.at(i)));
    }
    for (std::size_t i = 0; i < capacity; ++i) {
        if ((i + 1) * load.occupancy / 100 > i * load.occupancy / 100) {
            kept.push_back(all[i]);
        } else {
            pool.drop(all[i]);
        }
    }
    return kept;
}

/* One thread's events: made, looked at and dropped, at once or in the order in which they were made. */
template <class Pool> class Steps {
  public:
    Steps(Pool &pool, const Source &source, std::size_t live) : pool(pool), source(source)
    {
        for (std::size_t i = 0; i < live; ++i) {
            fifo.push_back(pool.make(source.at(i)));
        }
    }
    Steps(const Steps &) = delete;
    Steps &operator=(const Steps &) = delete;
    ~Steps()
    {
        for (const std::uint64_t *event : fifo) {
            pool.drop(event);
        }
        require(wrong == 0, "pool: an event does not have its payload");
    }

    void at_once()
    {
        const std::uint64_t *event = pool.make(source.at(count));
        benchmark::DoNotOptimize(event);
        wrong |= *event ^ source.first(count);
        pool.drop(event);
        ++count;
    }

    void in_turn()
    {
        const std::uint64_t *event = pool.make(source.at(count));
        benchmark::DoNotOptimize(event);
        wrong |= *event ^ source.first(count);
        pool.drop(fifo[oldest]);
        fifo[oldest] = event;
        oldest = oldest + 1 == fifo.size() ? 0 : oldest + 1;
        ++count;
    }

  private:
    Pool &pool;
    const Source &source;
    std::vector<const std::uint64_t *> fifo;
    std::size_t oldest = 0;
    std::uint64_t count = 0;
    std::uint64_t wrong = 0;
};

template <class Pool> void run_pool(benchmark::State &state, Pool &pool, const Load &load)
{
    Source source(load.payload);
    std::vector<const std::uint64_t *> kept = occupy(pool, load, source);
    if (load.threads == 1) {
        Steps<Pool> steps(pool, source, load.live);
        if (load.live == 0) {
            for (auto _ : state) {
                steps.at_once();
            }
        } else {
            for (auto _ : state) {
                steps.in_turn();
            }
        }
        count_iterations(state);
    } else {
        std::uint64_t events = round_events(load.payload);
        Team team(load.threads, [&](std::size_t, Wait &) {
            Steps<Pool> steps(pool, source, load.live);
            for (std::uint64_t i = 0; i < events; ++i) {
                load.live == 0 ? steps.at_once() : steps.in_turn();
            }
        });
        time_team(state, team, [events] { return static_cast<double>(events); });
    }
    for (const std::uint64_t *event : kept) {
        pool.drop(event);
    }
}

/* `references`: of the event, before and after. */
void clone_and_drop(benchmark::State &state, std::size_t references)
{
    NativePool pool(common_payload);
    Source source(common_payload);
    const std::uint64_t *event = pool.make(source.at(0));
    for (std::size_t i = 1; i < references; ++i) {
        pool.clone(event);
    }
    for (auto _ : state) {
        pool.clone(event);
        benchmark::DoNotOptimize(event);
        pool.drop(event);
    }
    require(*event == source.first(0), "clone: the event does not have its payload any more");
    for (std::size_t i = 0; i < references; ++i) {
        pool.drop(event);
    }
    count_iterations(state);
}

std::vector<Load> loads()
{
    std::vector<Load> all;
    for (std::size_t payload : payloads) {
        all.push_back({payload, 0, 1, 0});
    }
    for (std::size_t occupancy : {50, 90, 99}) {
        all.push_back({common_payload, occupancy, 1, 0});
    }
    for (std::size_t live : {1, 100, 1000}) {
        all.push_back({common_payload, 0, 1, live});
    }
    for (std::size_t threads = 2; threads <= cpus().size(); threads *= 2) {
        all.push_back({common_payload, 0, threads, 0});
    }
    return all;
}

/* run(state) makes the pool and puts it through `load`. */
template <class Run> void register_pool(const char *peer, const Load &load, Run run)
{
    std::string name = figure("pool", peer,
                              {key("payload", load.payload), key("occupancy", load.occupancy), key("threads", load.threads),
                               load.live == 0 ? "" : key("live", load.live)});
    auto *added = add_figure(name, run);
    if (load.threads > 1) {
        use_wall_time(added);
    }
}

} // namespace

void register_pools()
{
    for (const Load &with : loads()) {
        register_pool("native", with, [with](benchmark::State &state) {
            NativePool pool(with.payload);
            run_pool(state, pool, with);
        });
        for (const Malloc &from : mallocs) {
            register_pool(from.peer, with, [with, &from](benchmark::State &state) {
                void *library = load(from);
                if (library == nullptr) {
                    state.SkipWithError(dlerror());
                    return;
                }
                MallocPool pool(library, with.payload);
                run_pool(state, pool, with);
            });
        }
    }
    for (std::size_t references : {std::size_t{1}, std::size_t{3}}) {
        add_figure(figure("clone", "native",
                          {key("payload", common_payload), references == 1 ? "" : key("references", references)}),
                   [references](benchmark::State &state) { clone_and_drop(state, references); });
    }
}

} // namespace bench
