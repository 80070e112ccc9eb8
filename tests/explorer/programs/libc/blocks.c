/* Library functions on blocks of the heap that were freed, or not written: each line that says so has that error. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static volatile int sink;
static char to[64];

static int compare(const void *a, const void *b)
{
    return (a > b) - (a < b);
}

static void *body(void *unused)
{
    return unused;
}

/* Twelve characters of which the last is NUL, and the others were not written. */
static char *unwritten_block(void)
{
    char *block = malloc(12);
    block[11] = 0;
    return block;
}

static void freed(void)
{
    char *gone = calloc(1, 256), *position = NULL;
    free(gone);
    sink = (int)strlen(gone);                            /* use-after-free */
    sink = (int)strnlen(gone, 4);                        /* use-after-free */
    strcpy(to, gone);                                    /* use-after-free */
    strcpy(gone, "x");                                   /* use-after-free */
    stpcpy(gone, "x");                                   /* use-after-free */
    strncpy(gone, "x", 3);                               /* use-after-free */
    stpncpy(gone, "x", 3);                               /* use-after-free */
    strcat(to, gone);                                    /* use-after-free */
    strcat(gone, "x");                                   /* use-after-free */
    strncat(gone, "x", 1);                               /* use-after-free */
    strxfrm(gone, "x", 4);                               /* use-after-free */
    sink = strcmp(gone, "x");                            /* use-after-free */
    sink = strncmp("x", gone, 1);                        /* use-after-free */
    sink = strcasecmp(gone, "x");                        /* use-after-free */
    sink = strchr(gone, 'x') != NULL;                    /* use-after-free */
    sink = strrchr(gone, 'x') != NULL;                   /* use-after-free */
    sink = strstr(gone, "x") != NULL;                    /* use-after-free */
    sink = strspn(gone, "x") != 0;                       /* use-after-free */
    sink = strpbrk("y", gone) != NULL;                   /* use-after-free */
    sink = memcmp(gone, "x", 1);                         /* use-after-free */
    sink = memchr(gone, 'x', 4) != NULL;                 /* use-after-free */
    sink = memmem(gone, 4, "x", 1) != NULL;              /* use-after-free */
    mempcpy(to, gone, 4);                                /* use-after-free */
    memset(gone, 0, 4);                                  /* use-after-free */
    bzero(gone, 4);                                      /* use-after-free */
    free(strdup(gone));                                  /* use-after-free */
    sink = strtok(gone, " ") != NULL;                    /* use-after-free */
    sink = strtok_r(gone, " ", &position) != NULL;       /* use-after-free */
    position = gone;
    sink = strsep(&position, " ") != NULL;               /* use-after-free */
    printf("%s", gone);                                  /* use-after-free */
    fprintf(stderr, "%d%s", 1, gone);                    /* use-after-free */
    sprintf(gone, "%d", 1);                              /* use-after-free */
    snprintf(gone, 2, "%d", 1);                          /* use-after-free */
    puts(gone);                                          /* use-after-free */
    fputs(gone, stdout);                                 /* use-after-free */
    fwrite(gone, 1, 4, stdout);                          /* use-after-free */
    perror(gone);                                        /* use-after-free */
    sink = (int)write(1, gone, 4);                       /* use-after-free */
    sscanf(gone, "%d", (int *)(void *)to);               /* use-after-free */
    sscanf("5", "%d", (int *)(void *)gone);              /* use-after-free */
    sink = (int)strtol(gone, NULL, 10);                  /* use-after-free */
    sink = (int)strtod(gone, NULL);                      /* use-after-free */
    sink = atoi(gone);                                   /* use-after-free */
    qsort(gone, 4, 4, compare);                          /* use-after-free */
    sink = lfind("x", to, (size_t *)(void *)gone, 1, compare) != NULL; /* use-after-free */
    sink = rand_r((unsigned *)(void *)gone);             /* use-after-free */
    sink = getenv(gone) != NULL;                         /* use-after-free */
    time((time_t *)(void *)gone);                        /* use-after-free */
    clock_gettime(CLOCK_REALTIME, (struct timespec *)(void *)gone); /* use-after-free */
    gettimeofday((struct timeval *)(void *)gone, NULL);  /* use-after-free */
    sink = gmtime((time_t *)(void *)gone) != NULL;       /* use-after-free */
    sink = (int)mktime((struct tm *)(void *)gone);       /* use-after-free */
    strftime(gone, 8, "%Y", gmtime(&(time_t){0}));       /* use-after-free */
}

static void unwritten(void)
{
    char *fresh = unwritten_block();
    sink = (int)strlen(fresh);                           /* uninitialized-read */
    strcpy(to, fresh);                                   /* uninitialized-read */
    strcat(to, fresh);                                   /* uninitialized-read */
    sink = strcmp(fresh, "x");                           /* uninitialized-read */
    sink = strchr(fresh, 'x') != NULL;                   /* uninitialized-read */
    sink = memcmp(fresh, to, 2);                         /* uninitialized-read */
    free(strdup(fresh));                                 /* uninitialized-read */
    printf("%s", fresh);                                 /* uninitialized-read */
    printf("%.2s", fresh);                               /* uninitialized-read */
    puts(fresh);                                         /* uninitialized-read */
    fwrite(fresh, 1, 4, stdout);                         /* uninitialized-read */
    sprintf(to, "%s", fresh);                            /* uninitialized-read */
    sscanf(fresh, "%d", (int *)(void *)to);              /* uninitialized-read */
    sink = atoi(fresh);                                  /* uninitialized-read */
    sink = gmtime((time_t *)(void *)fresh) != NULL;      /* uninitialized-read */
    free(fresh);
}

/* What a function writes is written: nothing here is an error. */
static void filled(void)
{
    char *block = malloc(64), *other = NULL;
    sink = strcpy(block, "abc")[1];
    sink = strlen(block) != 0;
    free(block);
    block = malloc(64);
    sprintf(block, "%d", 123);
    sink = block[2];
    free(block);
    block = malloc(64);
    sscanf("word", "%s", block);
    sink = block[3];
    free(block);
    block = malloc(64);
    strncpy(block, "a", 8);
    sink = block[7];
    bzero(block, 12);
    sink = block[11];
    free(block);
    block = malloc(sizeof(struct tm));
    gmtime_r(&(time_t){0}, (struct tm *)(void *)block);
    sink = ((struct tm *)(void *)block)->tm_year;
    free(block);
    sink = asprintf(&other, "%d", 7) + other[0];
    free(other);
    other = strndup("abc", 2);
    sink = other[1] + other[2];
    free(other);
    int *numbers = malloc(3 * sizeof *numbers);
    numbers[0] = 2;
    numbers[1] = 1;
    qsort(numbers, 2, sizeof *numbers, compare); /* what was not written may be moved */
    numbers = reallocarray(numbers, 4, sizeof *numbers);
    sink = numbers[1];
    free(numbers);
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    GROUP();
    pthread_join(thread, NULL);
    return 0;
}
