/*
 * limits.c - what the machine itself takes for the parts of an execution, without graph, views or heap.
 *
 *     limits BYTES ROUNDS
 *
 * prints one JSON object, a list of nanoseconds for each part, one figure a round:
 *     "switch_pair"  to a fiber and back
 *     "copy"         BYTES bytes copied, as many as the explorer's checkpoint has
 *     "operations"   ten relaxed atomic accesses, five stores and five loads
 *     "signals"      a look at the signal mask, the cheapest system call that an execution could make
 * Linked with the explorer's engine/fiber.c.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/fiber.h"

#define TIMES 20000
#define FIBER_BYTES ((size_t)1 << 16)

static void *engine_sp;
static void *fiber_sp;
static uint8_t *saved;
static uint8_t *current;
static size_t bytes;
static atomic_int x;
static atomic_int y;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void body(void)
{
    for (;;) {
        fiber_switch(&fiber_sp, engine_sp);
    }
}

static void switch_pair(void)
{
    fiber_switch(&engine_sp, fiber_sp);
}

static void copy(void)
{
    memcpy(current, saved, bytes);
    atomic_signal_fence(memory_order_seq_cst); /* so that the copy is made */
}

static void operations(void)
{
    for (int i = 0; i < 5; ++i) {
        atomic_store_explicit(&x, i, memory_order_relaxed);
        (void)atomic_load_explicit(&y, memory_order_relaxed);
    }
}

static void signals(void)
{
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
}

static void print(const char *name, void (*part)(void), int rounds, const char *end)
{
    printf("\"%s\": [", name);
    for (int round = 0; round < rounds; ++round) {
        double begun = now();
        for (int i = 0; i < TIMES; ++i) {
            part();
        }
        printf("%s%.3f", round > 0 ? ", " : "", (now() - begun) / TIMES);
    }
    printf("]%s", end);
}

int main(int argc, char **argv)
{
    uint8_t *stack = malloc(FIBER_BYTES);
    bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    if (bytes == 0 || rounds <= 0) {
        fprintf(stderr, "limits BYTES ROUNDS: both must be positive\n");
        return 2;
    }
    saved = calloc(bytes, 1);
    current = calloc(bytes, 1);
    if (stack == NULL || saved == NULL || current == NULL) {
        fprintf(stderr, "no memory left\n");
        return 2;
    }
    fiber_sp = fiber_make(stack, FIBER_BYTES, body);
    printf("{");
    print("switch_pair", switch_pair, rounds, ", ");
    print("copy", copy, rounds, ", ");
    print("operations", operations, rounds, ", ");
    print("signals", signals, rounds, "}\n");
    return 0;
}
