/*
 * limits.cpp - what the machine itself takes for the parts of the other works. Peer `machine`.
 *
 * Locked instructions on a line that the core owns; copies of as many bytes as an event has, over as many slots; a cache line
 * handed from one core to another, as a stream and back and forth.
 */
#include <rusted_ring.h>

#include <cstring>

#include "common.hpp"
#include "shapes.hpp"

namespace bench {
namespace {

/* --------------------------------------------------------------------------------------------- locked instructions */

/* The compare-exchange always succeeds and learns what is there from the one before, as a hot path would. */
void locked(benchmark::State &state, unsigned adds, bool exchange)
{
    alignas(line_bytes) std::atomic<std::uint64_t> word{0};
    std::uint64_t seen = 0;
    for (auto _ : state) {
        if (exchange) {
            require(word.compare_exchange_strong(seen, seen + 1), "a compare-exchange without rivals failed");
            ++seen;
        } else {
            seen = word.fetch_add(4);
            benchmark::DoNotOptimize(seen);
            if (adds == 2) {
                seen = word.fetch_sub(4);
                benchmark::DoNotOptimize(seen);
            }
        }
    }
    count_iterations(state);
}

/* ---------------------------------------------------------------------------------------------------------- copies */

/* Copies a payload into one slot after another, as many bytes apart as a ring's, and with `out` also back out of it. */
void copies(benchmark::State &state, Shape shape, bool out)
{
    Source source(shape.payload);
    std::size_t stride = rr_event_bytes(shape.payload);
    std::size_t payload = run_time_value(shape.payload);
    std::size_t capacity = run_time_value(shape.capacity);
    Words slots = aligned_words(stride * shape.capacity);
    Words got = aligned_words(shape.payload);
    std::uint64_t event = 0;
    std::size_t position = 0;
    std::uint64_t wrong = 0;
    for (auto _ : state) {
        std::uint64_t *slot = &slots[position * stride / 8];
        std::memcpy(slot, source.at(event), payload);
        benchmark::DoNotOptimize(slot);
        if (out) {
            std::memcpy(got.get(), slot, payload);
            std::uint64_t *bytes = got.get();
            benchmark::DoNotOptimize(bytes);
            wrong |= bytes[0] ^ source.first(event);
        }
        position = position + 1 == capacity ? 0 : position + 1;
        ++event;
    }
    require(wrong == 0, "limit-copy: an event came out as another");
    count_iterations(state);
}

/* ------------------------------------------------------------------------------------------------------ two threads */

struct alignas(line_bytes) Line {
    std::uint64_t payload[7];
    std::atomic<std::uint64_t> sequence; /* of the line last written here, plus one; 64 payload bytes where `cursor` tells */
};
static_assert(sizeof(Line) == line_bytes, "one cache line");

struct alignas(line_bytes) Cursor {
    std::atomic<std::uint64_t> value{0};
};

/* How lines are streamed. */
struct Way {
    std::size_t lines; /* that the two sides take turns with, a power of two */
    std::size_t ahead; /* lines that the writer asks for before it writes them */
};

/*
 * Lines handed one way as fast as two cores can: the reader looks at nothing but the line itself (or, in bulk, at a cursor that
 * the writer publishes every 64 lines, and then asks for full lines ahead), and tells the writer of its progress twice a
 * lap. How many lines there are decides most of it: they should fit the cores' first caches, and be enough to keep the two
 * sides apart.
 */
class LineStream {
  public:
    static constexpr std::uint64_t bulk = 64;
    static constexpr std::uint64_t read_ahead = 8;
    static constexpr std::uint64_t round_lines = round_events(line_bytes);

    LineStream(Way way, bool by_cursor)
        : lines(new Line[way.lines]()), mask(way.lines - 1), ahead(way.ahead), by_cursor(by_cursor), source(line_bytes)
    {
    }

    void write(Wait &wait)
    {
        std::uint64_t end = written + round_lines;
        std::uint64_t room = consumed.value.load(std::memory_order_acquire) + mask + 1;
        for (std::uint64_t i = written; i < end; ++i) {
            while (i == room) {
                room = consumed.value.load(std::memory_order_acquire) + mask + 1;
                if (i == room) {
                    wait();
                }
            }
            if (ahead != 0 && i + ahead < room) {
                __builtin_prefetch(&lines[(i + ahead) & mask], 1);
            }
            Line &line = lines[i & mask];
            const std::uint64_t *from = source.at(i);
            std::memcpy(line.payload, from, sizeof line.payload);
            if (by_cursor) {
                line.sequence.store(from[7], std::memory_order_relaxed);
                if ((i + 1) % bulk == 0) {
                    published.value.store(i + 1, std::memory_order_release);
                }
            } else {
                line.sequence.store(i + 1, std::memory_order_release);
            }
        }
        written = end;
    }

    void read(Wait &wait)
    {
        std::uint64_t end = seen + round_lines;
        std::uint64_t full = seen; /* lines before it are known to be full */
        std::uint64_t wrong = 0;
        for (std::uint64_t i = seen; i < end; ++i) {
            const Line &line = lines[i & mask];
            if (by_cursor) {
                while (full == i) {
                    full = published.value.load(std::memory_order_acquire);
                    if (full == i) {
                        wait();
                    }
                }
                if (i + read_ahead < full) {
                    __builtin_prefetch(&lines[(i + read_ahead) & mask], 0);
                }
            } else {
                while (line.sequence.load(std::memory_order_acquire) != i + 1) {
                    wait();
                }
            }
            std::uint64_t got[7];
            std::memcpy(got, line.payload, sizeof got);
            std::uint64_t *bytes = got;
            benchmark::DoNotOptimize(bytes);
            wrong |= bytes[0] ^ source.first(i);
            if (by_cursor) {
                std::uint64_t last = line.sequence.load(std::memory_order_relaxed);
                benchmark::DoNotOptimize(last);
            }
            if (((i + 1) & mask >> 1) == 0 || i + 1 == end) {
                consumed.value.store(i + 1, std::memory_order_release);
            }
        }
        seen = end;
        require(wrong == 0, "limit-line-transfer: a line came as another");
    }

  private:
    std::unique_ptr<Line[]> lines;
    std::uint64_t mask;
    std::uint64_t ahead;
    bool by_cursor;
    Source source;
    Cursor published;
    Cursor consumed;
    alignas(line_bytes) std::uint64_t written = 0;
    alignas(line_bytes) std::uint64_t seen = 0;
};

/* The least of several ways, which take turns: the limit is the best that the machine can, and which way that is depends on
 * how far apart the two cores are, which on a virtual machine changes. */
void line_transfer(benchmark::State &state, const std::vector<Way> &ways, bool by_cursor)
{
    std::vector<std::unique_ptr<LineStream>> streams;
    for (const Way &way : ways) {
        streams.push_back(std::make_unique<LineStream>(way, by_cursor));
    }
    LineStream *current = nullptr;
    Team team(2, [&current](std::size_t member, Wait &wait) { member == 0 ? current->write(wait) : current->read(wait); });
    std::vector<std::vector<double>> figures(ways.size());
    for (auto _ : state) {
        double all = 0;
        for (std::size_t i = 0; i < ways.size(); ++i) {
            current = streams[i].get();
            double seconds = team.run();
            figures[i].push_back(seconds * 1e9 / static_cast<double>(LineStream::round_lines));
            all += seconds;
        }
        state.SetIterationTime(all);
    }
    std::size_t best = 0;
    for (std::size_t i = 1; i < ways.size(); ++i) {
        best = median(figures[i]) < median(figures[best]) ? i : best;
    }
    state.counters["ns_per_event"] = median(figures[best]);
    state.SetLabel("lines=" + std::to_string(ways[best].lines) + " ahead=" + std::to_string(ways[best].ahead));
}

/* One word that both write in turn; a round trip is an answer to each question. */
void round_trip(benchmark::State &state)
{
    constexpr std::uint64_t trips = 20000;
    Cursor word;
    std::uint64_t base = 0;
    Team team(2, [&](std::size_t member, Wait &) {
        for (std::uint64_t trip = 0; trip < trips; ++trip) {
            std::uint64_t turn = base + 2 * trip + member;
            while (word.value.load(std::memory_order_acquire) != turn) {
                if (cpus().size() == 1) {
                    std::this_thread::yield();
                }
            }
            word.value.store(turn + 1, std::memory_order_release);
        }
    });
    time_team(state, team, [&base] {
        base += 2 * trips;
        return static_cast<double>(trips);
    });
}

} // namespace

void register_limits()
{
    using benchmark::State;
    add_figure("limit-locked-add/machine", [](State &state) { locked(state, 1, false); });
    add_figure("limit-locked-add-pair/machine", [](State &state) { locked(state, 2, false); });
    add_figure("limit-locked-cas/machine", [](State &state) { locked(state, 1, true); });
    for (Shape shape : ring_shapes) {
        if (shape.capacity == ring_capacity(shape.payload)) {
            add_figure(figure("limit-memcpy", "machine", {key("payload", shape.payload)}),
                       [shape](State &state) { copies(state, shape, false); });
        }
        add_figure(figure("limit-copy", "machine", {key("payload", shape.payload), key("capacity", shape.capacity)}),
                   [shape](State &state) { copies(state, shape, true); });
    }
    static const std::vector<Way> candidates = {{128, 0}, {256, 0}, {512, 0}, {256, 8}, {512, 16}};
    for (bool by_cursor : {false, true}) {
        const char *work = by_cursor ? "limit-line-transfer-bulk" : "limit-line-transfer";
        use_wall_time(add_figure(figure(work, "machine", {crowded(2)}),
                                 [by_cursor](State &state) { line_transfer(state, candidates, by_cursor); }));
        for (std::size_t lines : {128, 256, 1024, 2048, 16384}) {
            use_wall_time(add_figure(figure(work, "machine", {key("lines", lines), crowded(2)}),
                                     [by_cursor, lines](State &state) { line_transfer(state, {{lines, 0}}, by_cursor); }));
        }
    }
    use_wall_time(add_figure(figure("limit-round-trip", "machine", {crowded(2)}), round_trip));
}

} // namespace bench
