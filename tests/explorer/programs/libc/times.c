/* Clocks and calendars; each case with one fault, or none. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>

atomic_int x;
char shared[64] = "%Y more";
time_t moment;
struct timespec spec;
struct tm broken = {.tm_mday = 1};

static void *freed_block(size_t size)
{
    void *block = calloc(1, size);
    free(block);
    return block;
}

static void *body(void *unused)
{
    atomic_store(&x, 1);
#ifdef THREAD
    THREAD;
#endif
    return unused;
}

static void work(void)
{
#if defined(ALONE)
    ALONE;
#elif defined(CLEAN)
    time_t seconds = 0, day = 86400 * 365;
    struct timeval value;
    struct tms ticks;
    struct tm parts;
    struct timespec first, second;
    char text[64];
    assert(time(&seconds) == seconds && seconds == 1700000000);
    assert(clock_gettime(CLOCK_MONOTONIC, &first) == 0 && clock_gettime(CLOCK_MONOTONIC, &second) == 0);
    assert(first.tv_sec == second.tv_sec && second.tv_nsec - first.tv_nsec == 10000000);
    assert(gettimeofday(&value, NULL) == 0 && value.tv_sec == 1700000000 && timespec_get(&first, TIME_UTC) == TIME_UTC);
    assert(clock() == 60000 && times(&ticks) > 0 && ticks.tms_utime == 7 && clock_getres(CLOCK_REALTIME, &first) == 0);
    assert(gmtime(&day)->tm_year == 71 && gmtime_r(&day, &parts) == &parts && parts.tm_mon == 0 && timegm(&parts) == day);
    assert(localtime(&day) != NULL && localtime_r(&day, &parts) == &parts && mktime(&parts) == day);
    assert(strcmp(asctime_r(gmtime(&day), text), "Fri Jan  1 00:00:00 1971\n") == 0 && strlen(ctime(&day)) == 25);
    assert(strlen(ctime_r(&day, text)) == 25 && strftime(text, sizeof text, "%Y-%m-%d", gmtime(&day)) == 10);
    assert(strcmp(text, "1971-01-01") == 0 && strftime(text, 3, "%Y", gmtime(&day)) == 0 && difftime(day, 0) == day);
#elif defined(CLOCK_FIRST)
    assert(time(NULL) == 1700000000);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    assert(now.tv_nsec == 20000000); /* not if the other thread reads a clock before */
#elif defined(SOME_MEMBERS)
    struct tm *parts = malloc(sizeof *parts);
    char text[8];
    parts->tm_year = 70;
    assert(strftime(text, sizeof text, "%Y", parts) == 4 && strcmp(text, "1970") == 0);
    free(parts);
#endif
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    work();
    (void)atomic_load(&x);
    pthread_join(thread, NULL);
    return 0;
}
