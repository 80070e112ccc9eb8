/*
 * rings.cpp - `ring`: one thread adds an event and reads it, slot after slot. Bytes are copied in and copied out.
 * `ring-bulk`: the same, several events a call.
 * `ring-in-place`: bytes are copied into the slots themselves, and every word is read where it lies.
 */
#include <cstring>

#include "common.hpp"
#include "ring_peers.hpp"
#include "shapes.hpp"

namespace bench {
namespace {

template <class Ring> void add_and_next(benchmark::State &state, Ring &ring, std::size_t payload)
{
    Source source(payload);
    Words got = aligned_words(payload);
    std::uint64_t event = 0;
    std::uint64_t wrong = 0;
    for (auto _ : state) {
        require(ring.add(source.at(event)), "ring: an event was refused by an empty ring");
        std::uint64_t *out = got.get();
        require(ring.next(out), "ring: an event that was added is not there");
        benchmark::DoNotOptimize(out);
        wrong |= out[0] ^ source.first(event);
        ++event;
    }
    require(wrong == 0, "ring: an event came out as another");
    count_iterations(state);
}

constexpr std::size_t bulk = 16;

void add_many_and_next_many(benchmark::State &state, NativeRing &ring, std::size_t payload)
{
    Source source(payload * bulk);
    Words got = aligned_words(payload * bulk);
    std::size_t last = (bulk - 1) * payload / 8;
    std::uint64_t event = 0;
    std::uint64_t wrong = 0;
    for (auto _ : state) {
        const std::uint64_t *events = source.at(event);
        require(ring.add_many(events, bulk) == bulk, "ring-bulk: events were refused by an empty ring");
        std::uint64_t *out = got.get();
        require(ring.next_many(out, bulk) == bulk, "ring-bulk: events that were added are not there");
        benchmark::DoNotOptimize(out);
        wrong |= (out[0] ^ events[0]) | (out[last] ^ events[last]);
        ++event;
    }
    require(wrong == 0, "ring-bulk: an event came out as another");
    count_iterations(state, bulk);
}

std::uint64_t sum_of(const void *words, std::size_t count)
{
    const std::uint64_t *word = static_cast<const std::uint64_t *>(words);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += word[i];
    }
    return sum;
}

void write_and_read_in_place(benchmark::State &state, NativeRing &ring, std::size_t payload, std::size_t batch)
{
    std::size_t words = payload * batch / 8;
    Source source(payload * batch);
    std::uint64_t sums[Source::period];
    for (std::size_t i = 0; i < Source::period; ++i) {
        sums[i] = sum_of(source.at(i), words);
    }
    std::uint64_t event = 0;
    std::uint64_t wrong = 0;
    for (auto _ : state) {
        std::memcpy(ring.reserve(batch), source.at(event), payload * batch);
        ring.commit(batch);
        wrong |= sum_of(ring.peek(batch), words) ^ sums[event % Source::period];
        ring.release(batch);
        ++event;
    }
    require(wrong == 0, "ring-in-place: events were not read as they were written");
    count_iterations(state, batch);
}

struct Register {
    template <class Peer> void of()
    {
        std::size_t capacity = ring_capacity(common_payload);
        add_figure(figure("ring", Peer::peer, {key("payload", common_payload), key("capacity", capacity)}),
                   [capacity](benchmark::State &state) {
                       auto ring = std::make_unique<Peer>(capacity);
                       add_and_next(state, *ring, common_payload);
                   });
    }
};

} // namespace

void register_rings()
{
    for (Shape shape : ring_shapes) {
        for (rr_ring_mode mode : modes) {
            add_figure(figure("ring", NativeRing::peer,
                              {key("payload", shape.payload), key("capacity", shape.capacity), key("mode", mode_name(mode))}),
                       [shape, mode](benchmark::State &state) {
                           NativeRing ring(shape.payload, shape.capacity, mode);
                           add_and_next(state, ring, shape.payload);
                       });
        }
    }
    for (std::size_t payload : {64, 256, 1024}) {
        for (rr_ring_mode mode : modes) {
            std::size_t capacity = ring_capacity(payload);
            add_figure(figure("ring-bulk", NativeRing::peer,
                              {key("payload", payload), key("batch", bulk), key("capacity", capacity),
                               key("mode", mode_name(mode))}),
                       [payload, capacity, mode](benchmark::State &state) {
                           NativeRing ring(payload, capacity, mode);
                           add_many_and_next_many(state, ring, payload);
                       });
        }
    }
    for (std::size_t payload : {64, 4096}) {
        for (std::size_t batch : {std::size_t{1}, bulk}) {
            std::size_t capacity = ring_capacity(payload);
            add_figure(figure("ring-in-place", NativeRing::peer,
                              {key("payload", payload), key("batch", batch), key("capacity", capacity)}),
                       [payload, batch, capacity](benchmark::State &state) {
                           NativeRing ring(payload, capacity, RR_GATED);
                           write_and_read_in_place(state, ring, payload, batch);
                       });
        }
    }
    for_each_ring_peer(Register());
}

} // namespace bench
