/* rings.cpp - `ring`: one thread adds an event and reads it, slot after slot. Bytes are copied in and copied out. */
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
    for_each_ring_peer(Register());
}

} // namespace bench
