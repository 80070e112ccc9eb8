/*
 * threads.cpp - `stream`: one writer thread, one reader thread; `readers`: one writer, N readers that each get every event.
 *
 * Each thread has a processor to itself as long as there are enough; where there are not, the name says oversubscribed=1. What
 * arrives is compared, event by event, with what was sent. The figure is the time of a round over the events that a
 * reader got: in an overwriting ring the writer waits for nobody, and what a slow reader misses does not count; the counter
 * `delivered` is the share that arrived.
 */
#include "common.hpp"
#include "ring_peers.hpp"
#include "shapes.hpp"

namespace bench {
namespace {

/* Where a thread of a stream stands, on a line of its own. */
struct alignas(line_bytes) Position {
    std::uint64_t events = 0; /* sent; or received and skipped */
    std::uint64_t skipped = 0;
};

template <class Ring> void send(Ring &ring, const Source &source, Position &at, std::uint64_t events, std::size_t batch,
                                Wait &wait)
{
    std::uint64_t event = at.events;
    std::uint64_t end = event + events;
    while (event < end) {
        std::size_t sent = 0;
        if (batch == 1) {
            sent = ring.add(source.at(event)) ? 1 : 0;
        } else {
            sent = ring.add_many(source.at(event), std::min<std::uint64_t>(batch, end - event));
        }
        if (sent == 0) {
            wait();
        }
        event += sent;
    }
    at.events = event;
}

/* `next(out)`, `next_many(out, n)` and `skipped()` of one reader. */
template <class Reader>
void receive(Reader &reader, const Source &source, Position &at, std::uint64_t *out, std::uint64_t events, std::size_t batch,
             Wait &wait)
{
    std::uint64_t event = at.events;
    std::uint64_t end = event + events;
    std::uint64_t wrong = 0;
    while (event < end) {
        std::size_t received = 0;
        if (batch == 1) {
            received = reader.next(out) ? 1 : 0;
        } else {
            received = reader.next_many(out, std::min<std::uint64_t>(batch, end - event));
        }
        benchmark::DoNotOptimize(out);
        if (received == 0) {
            std::uint64_t skipped = reader.skipped();
            if (skipped == at.skipped) {
                wait();
            }
            event += skipped - at.skipped;
            at.skipped = skipped;
        }
        for (std::size_t i = 0; i < received; ++i) {
            wrong |= out[i * (common_payload / 8)] ^ source.first(event + i);
        }
        event += received;
    }
    at.events = event;
    require(wrong == 0, "stream: an event came as another");
}

/* One reader of the core's ring as `receive` wants it. */
struct NativeReader {
    NativeRing &ring;
    std::size_t reader;
    bool next(std::uint64_t *out) { return ring.next(out, reader); }
    std::size_t next_many(std::uint64_t *out, std::size_t count) { return ring.next_many(out, count, reader); }
    std::uint64_t skipped() const { return ring.skipped(reader); }
};

/* One writer and `readers` readers; make_reader(i) gives reader i. */
template <class Ring, class MakeReader>
void run_stream(benchmark::State &state, Ring &ring, std::size_t payload, std::size_t batch, std::size_t readers,
                MakeReader make_reader)
{
    Source source(payload);
    std::uint64_t events = round_events(payload);
    std::vector<Position> positions(readers + 1);
    std::vector<Words> outs;
    for (std::size_t i = 0; i < readers; ++i) {
        outs.push_back(aligned_words(payload * batch));
    }
    Team team(readers + 1, [&](std::size_t member, Wait &wait) {
        if (member == 0) {
            send(ring, source, positions[0], events, batch, wait);
        } else {
            auto &&reader = make_reader(member - 1);
            receive(reader, source, positions[member], outs[member - 1].get(), events, batch, wait);
        }
    });
    std::uint64_t rounds = 0;
    std::uint64_t skipped = 0; /* by all readers, in all rounds */
    double all_events = static_cast<double>(events * readers);
    time_team(state, team, [&] {
        std::uint64_t before = skipped;
        skipped = 0;
        ++rounds;
        for (const Position &position : positions) {
            require(position.events == rounds * events, "stream: not every event arrived");
            skipped += position.skipped;
        }
        double delivered = all_events - static_cast<double>(skipped - before);
        require(delivered > 0, "stream: no event arrived");
        return delivered / static_cast<double>(readers);
    });
    state.counters["delivered"] = 1 - static_cast<double>(skipped) / (static_cast<double>(rounds) * all_events);
}

void run_native(benchmark::State &state, Shape shape, rr_ring_mode mode, std::size_t batch, std::size_t readers)
{
    NativeRing ring(shape.payload, shape.capacity, mode, readers);
    run_stream(state, ring, shape.payload, batch, readers, [&ring](std::size_t reader) { return NativeReader{ring, reader}; });
}

void register_stream(const Shape &shape, rr_ring_mode mode, std::size_t batch)
{
    use_wall_time(add_figure(figure("stream", NativeRing::peer,
                                    {key("payload", shape.payload), key("batch", batch), key("capacity", shape.capacity),
                                     key("mode", mode_name(mode)), crowded(2)}),
                             [=](benchmark::State &state) { run_native(state, shape, mode, batch, 1); }));
}

void register_readers(std::size_t readers, rr_ring_mode mode, std::size_t batch)
{
    Shape shape{common_payload, ring_capacity(common_payload)};
    use_wall_time(add_figure(figure("readers", NativeRing::peer,
                                    {key("readers", readers), key("payload", shape.payload), key("batch", batch),
                                     key("capacity", shape.capacity), key("mode", mode_name(mode)),
                                     crowded(readers + 1)}),
                             [=](benchmark::State &state) { run_native(state, shape, mode, batch, readers); }));
}

struct Register {
    template <class Peer> void of()
    {
        for (std::size_t batch : {1, 64}) {
            if (batch > 1 && !Peer::bulk) {
                benchmark::AddCustomContext(figure("stream", Peer::peer, {key("batch", batch)}), "the peer has no bulk call");
                continue;
            }
            std::size_t capacity = ring_capacity(common_payload);
            use_wall_time(add_figure(
                figure("stream", Peer::peer,
                       {key("payload", common_payload), key("batch", batch), key("capacity", capacity), crowded(2)}),
                [=](benchmark::State &state) {
                    auto ring = std::make_unique<Peer>(capacity);
                    run_stream(state, *ring, common_payload, batch, 1, [&ring](std::size_t) -> Peer & { return *ring; });
                }));
        }
    }
};

/* Reader counts up to one a processor beside the writer's; and 2 and 4, so that there is a curve on any machine. */
std::vector<std::size_t> reader_counts()
{
    std::vector<std::size_t> counts = {1, 2, 4};
    for (std::size_t readers = 3; readers + 1 <= cpus().size(); ++readers) {
        if (readers != 4) {
            counts.push_back(readers);
        }
    }
    std::sort(counts.begin(), counts.end());
    return counts;
}

} // namespace

void register_threads()
{
    for (const Shape &shape : ring_shapes) {
        register_stream(shape, RR_GATED, 1);
        if (shape.payload == common_payload && shape.capacity >= 1024) {
            register_stream(shape, RR_OVERWRITE, 1);
        }
        if (shape.payload == common_payload && shape.capacity >= 256) {
            register_stream(shape, RR_GATED, 64);
        }
        if (shape.payload == common_payload && shape.capacity >= 1024) {
            register_stream(shape, RR_OVERWRITE, 64);
        }
    }
    for_each_ring_peer(Register());
    for (std::size_t readers : reader_counts()) {
        for (rr_ring_mode mode : modes) {
            if (mode == RR_OVERWRITE && readers + 1 > cpus().size()) {
                continue; /* a writer that waits for nobody leaves a reader without a processor nothing to read */
            }
            for (std::size_t batch : {1, 64}) {
                register_readers(readers, mode, batch);
            }
        }
    }
}

} // namespace bench
