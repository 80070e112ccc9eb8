#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* A mutex is unlocked by a thread that does not hold it. Right: an error. */
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER; static void *go(void *u) { pthread_mutex_unlock(&m); return u; } int main(void) { pthread_mutex_lock(&m); pthread_t t; pthread_create(&t, 0, go, 0); pthread_join(t, 0); return 0; }
