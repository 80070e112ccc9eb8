/* ck_peer.c - Concurrency Kit's typed ring, one producer and one consumer: see ck_peer.h. */
#include "ck_peer.h"

#include <ck_ring.h>
#include <stdlib.h>

struct event {
    uint64_t words[8];
};

CK_RING_PROTOTYPE(event, event)

struct ck_peer {
    ck_ring_t ring;
    struct event *slots;
};

ck_peer *ck_peer_create(unsigned capacity)
{
    ck_peer *ring = aligned_alloc(64, (sizeof *ring + 63) / 64 * 64);
    struct event *slots = aligned_alloc(64, sizeof *slots * capacity);
    if (ring == NULL || slots == NULL) {
        free(ring);
        free(slots);
        return NULL;
    }
    ck_ring_init(&ring->ring, capacity);
    ring->slots = slots;
    return ring;
}

void ck_peer_destroy(ck_peer *ring)
{
    free(ring->slots);
    free(ring);
}

bool ck_peer_add(ck_peer *ring, const uint64_t *event)
{
    return ck_ring_enqueue_spsc_event(&ring->ring, ring->slots, (struct event *)(void *)(uintptr_t)event);
}

bool ck_peer_next(ck_peer *ring, uint64_t *out)
{
    return ck_ring_dequeue_spsc_event(&ring->ring, ring->slots, (struct event *)(void *)out);
}
