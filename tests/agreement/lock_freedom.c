/* A thread is stopped at any instruction of any call, again and again, and meanwhile another one allocates every other
 * free slot [ALLOC-12]. Exit status 0, or 1 with a sentence; an alarm ends a run that is held up. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rusted_ring.h"

enum { CAPACITY = 40, BATCH = 4, ROUNDS = 3000 };

static rr_allocator *allocator;
static atomic_int finished;
static int stopped_pipe[2];
static int resume_pipe[2];

static void fail(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    exit(1);
}

/* Runs in the worker, wherever it is: says so, and waits. */
static void stop(int signal)
{
    char byte = 0;
    (void)signal;
    if (write(stopped_pipe[1], &byte, 1) != 1 || read(resume_pipe[0], &byte, 1) != 1) {
        _exit(1);
    }
}

static void *work(void *unused)
{
    static const uint8_t data[64 * BATCH] = {1};
    uint64_t tokens[BATCH];
    (void)unused;
    while (atomic_load_explicit(&finished, memory_order_relaxed) == 0) {
        const uint8_t *payload = rr_allocate(allocator, data, 64, 1, 0, NULL);
        if (payload != NULL) {
            uint64_t token = rr_payload_token(allocator, payload);
            const uint8_t *upgraded = rr_upgrade(allocator, token, NULL);
            if (rr_clone_payload(allocator, payload) == RR_OK) {
                rr_release_payload(allocator, payload);
            }
            if (upgraded != NULL) {
                rr_release_payload(allocator, upgraded);
            }
            token = rr_into_token(allocator, payload);
            payload = rr_from_token(allocator, token, NULL);
            if (payload == NULL) {
                fail("a token of one's own was refused");
            }
            rr_release_payload(allocator, payload);
        }
        uint8_t *loan = rr_loan(allocator, 64, 2, NULL);
        if (loan != NULL) {
            rr_abort(allocator, loan);
        }
        if (rr_allocate_many(allocator, data, NULL, 64, NULL, 3, BATCH, tokens, NULL) == RR_OK &&
            rr_drop_many(allocator, tokens, BATCH, NULL) != RR_OK) {
            fail("a batch of one's own was refused");
        }
    }
    return NULL;
}

int main(void)
{
    const uint8_t *held[CAPACITY];
    rr_profile profile = rr_profile_seed();
    pthread_t worker;
    struct sigaction action = {.sa_handler = stop};
    profile.capacities[RR_XS] = CAPACITY;
    allocator = rr_allocator_create(&profile, NULL);
    if (allocator == NULL || pipe(stopped_pipe) != 0 || pipe(resume_pipe) != 0 ||
        sigaction(SIGUSR1, &action, NULL) != 0 || pthread_create(&worker, NULL, work, NULL) != 0) {
        fail("cannot begin");
    }
    alarm(60);
    unsigned random = 1;
    for (int round = 0; round < ROUNDS; ++round) {
        char byte = 0;
        random = random * 1103515245u + 12345u;
        for (volatile unsigned spin = random >> 20; spin > 0; --spin) {
        }
        if (pthread_kill(worker, SIGUSR1) != 0 || read(stopped_pipe[0], &byte, 1) != 1) {
            fail("cannot stop the worker");
        }
        uint8_t seen[CAPACITY] = {0};
        int count = 0;
        for (; count < CAPACITY; ++count) {
            held[count] = rr_allocate(allocator, "x", 1, 0, 0, NULL);
            if (held[count] == NULL) {
                break;
            }
            if (seen[rr_payload_slot_index(held[count])]++ != 0) {
                fail("a slot was handed out twice");
            }
        }
        if (count < CAPACITY - BATCH) {
            fail("a stopped thread keeps free slots from the others");
        }
        while (count > 0) {
            rr_release_payload(allocator, held[--count]);
        }
        if (write(resume_pipe[1], &byte, 1) != 1) {
            fail("cannot resume the worker");
        }
    }
    atomic_store_explicit(&finished, 1, memory_order_relaxed);
    pthread_join(worker, NULL);
    if (rr_allocator_destroy(allocator) != RR_OK) {
        fail("a slot was not released");
    }
    return 0;
}
