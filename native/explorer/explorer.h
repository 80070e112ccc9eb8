/*
 * explorer.h - what a program may ask of the explorer, a stateless model checker for C11 [EXPLORE-1].
 *
 * A C program needs nothing from here: it is compiled with ThreadSanitizer's instrumentation, linked with this library in
 * the sanitizer's place, and run under every execution that C11 allows. A harness that puts many small programs to one
 * binary describes itself by an explorer_harness.
 */
#ifndef EXPLORER_H
#define EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Marks a static variable that keeps its value from one execution to the next; all others are put back. */
#define EXPLORER_STATE __attribute__((section("explorer_state")))

/* An operation of a history begins, and ends with at most 8 results. */
void explorer_call(uint32_t op);
void explorer_return(uint32_t op, const uint64_t *results, uint32_t n);

/* Reports an error of the execution at hand; returns where the exploration keeps going. */
void explorer_fail(const char *kind, const char *message);

/* Whether membarrier() is there: it is at first. If it is not, it fails, and the program needs fences of its own. Outlasts an
 * execution. */
void explorer_membarrier(bool offered);

typedef struct explorer_harness {
    int (*load)(const char *text, char *complaint, size_t room); /* takes a program; 0, or -1 with a complaint */
    uint32_t (*threads)(void);                                   /* how many threads it has */
    void (*setup)(void);                                         /* once a program, before its threads */
    void (*thread)(uint32_t n);                                  /* thread n, from 1 */
    void (*finish)(void);                                        /* after the threads, each execution */
    void (*unload)(void);
    const char *(*word)(uint64_t address); /* after an execution: the name of a word to follow, or NULL [words=1] */
} explorer_harness;

/* Reads `key=value ... -- program` lines from standard input and answers each with one line of JSON. */
int explorer_serve(int argc, char **argv, const explorer_harness *harness);

/* Runs `body` alone, once or under the options of argv, and answers with one line of JSON. Returns the exit status. */
int explorer_run(int argc, char **argv, int (*body)(void));

#endif
