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
    count_events(state);
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
    count_events(state);
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

/*
 * Lines handed one way as fast as two cores can: the reader looks at nothing but the line itself (or, in bulk, at a cursor that
 * the writer publishes every 64 lines), and tells the writer of its progress twice a lap. No line but that one is written by
 * both sides or read before it is full. How many lines there are decides most of it: they should fit the cores' first caches,
 * and be enough to keep the two sides apart.
 */
class LineStream {
  public:
    static constexpr std::uint64_t bulk = 64;
    static constexpr std::uint64_t round_lines = round_events(line_bytes);

    LineStream(std::size_t lines, bool by_cursor)
        : lines(new Line[lines]()), mask(lines - 1), by_cursor(by_cursor), source(line_bytes),
          team(2, [this](std::size_t member, Wait &wait) { member == 0 ? write(wait) : read(wait); })
    {
    }

    Team &both() { return team; }

  private:
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

    std::unique_ptr<Line[]> lines;
    std::uint64_t mask;
    bool by_cursor;
    Source source;
    Cursor published;
    Cursor consumed;
    alignas(line_bytes) std::uint64_t written = 0;
    alignas(line_bytes) std::uint64_t seen = 0;
    Team team;
};

/* The number of lines with which a stream is quickest here, found once a run: the limit of the machine is the best it can. */
std::size_t best_lines(bool by_cursor)
{
    static std::size_t best[2] = {0, 0};
    if (best[by_cursor] == 0) {
        double least = 0;
        for (std::size_t lines : {128, 256, 512, 1024}) {
            LineStream stream(lines, by_cursor);
            std::vector<double> seconds;
            for (int round = 0; round < 9; ++round) {
                seconds.push_back(stream.both().run());
            }
            std::nth_element(seconds.begin(), seconds.begin() + 4, seconds.end());
            if (best[by_cursor] == 0 || seconds[4] < least) {
                least = seconds[4];
                best[by_cursor] = lines;
            }
        }
    }
    return best[by_cursor];
}

/* lines 0: as many as are best. */
void line_transfer(benchmark::State &state, std::size_t lines, bool by_cursor)
{
    if (lines == 0) {
        lines = best_lines(by_cursor);
        state.SetLabel("lines=" + std::to_string(lines));
    }
    LineStream stream(lines, by_cursor);
    time_team(state, stream.both(), LineStream::round_lines);
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
    for (auto _ : state) {
        state.SetIterationTime(team.run());
        base += 2 * trips;
    }
    count_events(state, trips);
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
    for (bool by_cursor : {false, true}) {
        const char *work = by_cursor ? "limit-line-transfer-bulk" : "limit-line-transfer";
        use_wall_time(add_figure(figure(work, "machine", {}),
                                 [by_cursor](State &state) { line_transfer(state, 0, by_cursor); }));
        for (std::size_t lines : {128, 256, 1024, 2048, 16384}) {
            use_wall_time(add_figure(figure(work, "machine", {key("lines", lines)}),
                                     [by_cursor, lines](State &state) { line_transfer(state, lines, by_cursor); }));
        }
    }
    use_wall_time(add_figure("limit-round-trip/machine", round_trip));
}

} // namespace bench
