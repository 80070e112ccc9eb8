/* ck_peer.h - Concurrency Kit's ring for C++, which its own header is not. Events of 64 bytes. */
#ifndef BENCH_CK_PEER_H
#define BENCH_CK_PEER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ck_peer ck_peer;

/* A ring of `capacity` slots, a power of two, of which one stays empty; NULL where there is no memory. */
ck_peer *ck_peer_create(unsigned capacity);
void ck_peer_destroy(ck_peer *ring);

/* The 64 bytes at `event` in; false: full. */
bool ck_peer_add(ck_peer *ring, const uint64_t *event);

/* 64 bytes out; false: empty. */
bool ck_peer_next(ck_peer *ring, uint64_t *out);

#ifdef __cplusplus
}
#endif

#endif
