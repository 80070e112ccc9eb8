/*
 * time.c - a clock that advances by a fixed step whenever it is read, and functions that compute with times. All clocks share
 * one word, so the order in which threads read it is explored; sleeping takes no time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

#include "library.h"

#define SECOND UINT64_C(1000000000)
#define STEP UINT64_C(10000000)                     /* 10 ms */
#define REAL_TIME_BEGIN (UINT64_C(1700000000) * SECOND) /* 14 November 2023, 22:13:20 UTC */
#define MONOTONIC_BEGIN (1000 * SECOND)

#define LONGEST_TIME ((size_t)1 << 20) /* of strftime */

static uint64_t virtual_clock;

/* Nanoseconds since the program began. */
static uint64_t now(uint64_t pc)
{
    return (atomic_rmw_event((uint64_t)(uintptr_t)&virtual_clock, 8, RELAXED, OP_ADD, 1, pc) + 1) * STEP;
}

ENTRY(time_t, xp_time, time_t *to)
{
    uint64_t pc = PC;
    time_t seconds = (time_t)((REAL_TIME_BEGIN + now(pc)) / SECOND);
    if (to != NULL) {
        write_bytes(to, sizeof *to, pc);
        *to = seconds;
    }
    return seconds;
}

static void put_time(struct timespec *to, uint64_t nanoseconds, uint64_t pc)
{
    write_bytes(to, sizeof *to, pc);
    *to = (struct timespec){.tv_sec = (time_t)(nanoseconds / SECOND), .tv_nsec = (long)(nanoseconds % SECOND)};
}

static uint64_t begin_of(clockid_t which, uint64_t pc)
{
    switch (which) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return REAL_TIME_BEGIN;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        return MONOTONIC_BEGIN;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return 0;
    default:
        refuse("the program reads clock %d" AT ", which is not followed", (int)which, pc);
    }
}

ENTRY(int, xp_clock_gettime, clockid_t which, struct timespec *to)
{
    uint64_t pc = PC;
    uint64_t begin = begin_of(which, pc);
    put_time(to, begin + now(pc), pc);
    return 0;
}

ENTRY(int, xp_clock_getres, clockid_t which, struct timespec *to)
{
    uint64_t pc = PC;
    (void)begin_of(which, pc);
    if (to != NULL) {
        put_time(to, 1, pc);
    }
    return 0;
}

ENTRY(int, xp_timespec_get, struct timespec *to, int base)
{
    uint64_t pc = PC;
    if (base != TIME_UTC) {
        return 0;
    }
    put_time(to, REAL_TIME_BEGIN + now(pc), pc);
    return base;
}

ENTRY(int, xp_gettimeofday, struct timeval *to, void *zone)
{
    uint64_t pc = PC;
    uint64_t microseconds = (REAL_TIME_BEGIN + now(pc)) / 1000;
    if (to != NULL) {
        write_bytes(to, sizeof *to, pc);
        to->tv_sec = (time_t)(microseconds / 1000000);
        to->tv_usec = (suseconds_t)(microseconds % 1000000);
    }
    if (zone != NULL) {
        write_bytes(zone, sizeof(struct timezone), pc);
        memset(zone, 0, sizeof(struct timezone));
    }
    return 0;
}

ENTRY(clock_t, xp_clock, void)
{
    return (clock_t)(now(PC) / (SECOND / CLOCKS_PER_SEC));
}

ENTRY(clock_t, xp_times, struct tms *to)
{
    uint64_t pc = PC;
    clock_t ticks = (clock_t)(now(pc) / (SECOND / 100));
    if (to != NULL) {
        write_bytes(to, sizeof *to, pc);
        *to = (struct tms){.tms_utime = ticks};
    }
    return (clock_t)(MONOTONIC_BEGIN / (SECOND / 100)) + ticks;
}

/* ------------------------------------------------------------------------------------------------------ calendars */

/* The results of gmtime, localtime, ctime and asctime: one of each for all threads, whose calls race. */
static struct tm calendar_time;
static char time_text[26];

static struct tm *break_down(const time_t *from, struct tm *to, struct tm *(*with)(const time_t *, struct tm *), uint64_t pc)
{
    read_bytes(from, sizeof *from, pc);
    struct tm broken = {.tm_sec = 0};
    if (with(from, &broken) == NULL) {
        *xp_errno_location() = errno;
        return NULL;
    }
    write_bytes(to, sizeof *to, pc);
    *to = broken;
    return to;
}

ENTRY(struct tm *, xp_gmtime, const time_t *from)
{
    return break_down(from, &calendar_time, gmtime_r, PC);
}

ENTRY(struct tm *, xp_gmtime_r, const time_t *from, struct tm *to)
{
    return break_down(from, to, gmtime_r, PC);
}

ENTRY(struct tm *, xp_localtime, const time_t *from)
{
    return break_down(from, &calendar_time, localtime_r, PC);
}

ENTRY(struct tm *, xp_localtime_r, const time_t *from, struct tm *to)
{
    return break_down(from, to, localtime_r, PC);
}

static char *put_text(const struct tm *from, char *to, uint64_t pc)
{
    char text[64] = "";
    if (asctime_r(from, text) == NULL) {
        *xp_errno_location() = errno;
        return NULL;
    }
    write_bytes(to, strlen(text) + 1, pc);
    return strcpy(to, text);
}

/* Reads the members that were written: which of them the format needs is not checked. */
static void read_members(const struct tm *from, uint64_t pc)
{
    const char *members = (const char *)from;
    check_pointer(from, pc);
    if (heap_room((uint64_t)(uintptr_t)from) < sizeof *from) {
        read_bytes(from, sizeof *from, pc);
    }
    for (size_t at = 0; at < offsetof(struct tm, tm_gmtoff); at += sizeof(int)) {
        uint64_t member = (uint64_t)(uintptr_t)(members + at);
        if (heap_is_initialized(member, sizeof(int)) && !stack_is_unwritten(member, sizeof(int))) {
            read_bytes(members + at, sizeof(int), pc);
        }
    }
}

ENTRY(char *, xp_asctime_r, const struct tm *from, char *to)
{
    uint64_t pc = PC;
    read_bytes(from, offsetof(struct tm, tm_yday), pc);
    return put_text(from, to, pc);
}

ENTRY(char *, xp_asctime, const struct tm *from)
{
    uint64_t pc = PC;
    read_bytes(from, offsetof(struct tm, tm_yday), pc);
    return put_text(from, time_text, pc);
}

ENTRY(char *, xp_ctime_r, const time_t *from, char *to)
{
    uint64_t pc = PC;
    struct tm broken = {.tm_sec = 0};
    read_bytes(from, sizeof *from, pc);
    return localtime_r(from, &broken) != NULL ? put_text(&broken, to, pc) : NULL;
}

ENTRY(char *, xp_ctime, const time_t *from)
{
    uint64_t pc = PC;
    struct tm *broken = break_down(from, &calendar_time, localtime_r, pc);
    return broken != NULL ? put_text(broken, time_text, pc) : NULL;
}

static time_t make_time(struct tm *from, time_t (*with)(struct tm *), uint64_t pc)
{
    read_bytes(from, offsetof(struct tm, tm_wday), pc);
    read_bytes(&from->tm_isdst, sizeof from->tm_isdst, pc);
    write_bytes(from, sizeof *from, pc);
    return with(from);
}

ENTRY(time_t, xp_mktime, struct tm *from)
{
    return make_time(from, mktime, PC);
}

ENTRY(time_t, xp_timegm, struct tm *from)
{
    return make_time(from, timegm, PC);
}

ENTRY(size_t, xp_strftime, char *to, size_t size, const char *format, const struct tm *from)
{
    uint64_t pc = PC;
    read_string(format, SIZE_MAX, pc);
    read_members(from, pc);
    if (size == 0) {
        return 0;
    }
    size_t room = size < LONGEST_TIME ? size : LONGEST_TIME;
    char *text = calloc(1, room);
    if (text == NULL) {
        refuse("no memory left");
    }
    size_t length = strftime(text, room, format, from);
    if (length == 0 && size > room && format[0] != 0) {
        refuse("strftime() of more than %zu bytes" AT " is not followed", LONGEST_TIME, pc);
    }
    write_bytes(to, length + 1, pc);
    memcpy(to, text, length);
    to[length] = 0;
    free(text);
    return length;
}

SAME(xp_timelocal, xp_mktime);
