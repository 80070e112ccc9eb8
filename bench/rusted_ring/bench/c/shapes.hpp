/* shapes.hpp - which payloads and capacities are measured: one table for the core, its peers and the limits. */
#ifndef BENCH_SHAPES_HPP
#define BENCH_SHAPES_HPP

#include <cstddef>

namespace bench {

constexpr std::size_t common_payload = 64;

/* Slots of a ring of events of so many bytes: 1,024, or the power of two with which the ring is at most 1 MiB. */
constexpr std::size_t ring_capacity(std::size_t payload)
{
    return payload <= 256 ? 1024 : payload <= 1024 ? 512 : payload <= 4096 ? 128 : 32;
}

constexpr std::size_t payloads[] = {16, 64, 256, 1024, 4096, 16384};

struct Shape {
    std::size_t payload;
    std::size_t capacity;
};

/* The curve over payloads, then the curve over capacities. */
constexpr Shape ring_shapes[] = {
    {16, ring_capacity(16)},     {64, ring_capacity(64)},       {256, ring_capacity(256)}, {1024, ring_capacity(1024)},
    {4096, ring_capacity(4096)}, {16384, ring_capacity(16384)}, {64, 16},                  {64, 64},
    {64, 256},                   {64, 4096},                    {64, 16384},
};

/* Slots of the core's pool for such payloads, those of its default profile, and blocks that count as 100% for a malloc. */
constexpr std::size_t pool_capacity(std::size_t payload)
{
    return payload <= 64 ? 2000 : payload <= 256 ? 1000 : payload <= 1024 ? 300 : payload <= 4096 ? 60 : 15;
}

} // namespace bench

#endif
