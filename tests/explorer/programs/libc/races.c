/* Library functions that read or write what another thread writes at once: each line that says "race" has one. The thread
 * calls them, after main's accesses in the order of the exploration, so that each call is told. */
#define _GNU_SOURCE
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

char text[8] = "abc";      /* written by main, read by the functions */
char written[64];          /* read by main, written by the functions */
char digits[8] = "123";
int numbers[4] = {3, 1, 2, 0};
int key = 1;
size_t count = 4;
unsigned seed = 1;
unsigned short own[3] = {1, 2, 3};
char words[8] = "a b";
char *position = words;
time_t moment;
struct timespec spec;
struct timeval value;
struct tms ticks;
struct tm broken = {.tm_mday = 1};

static volatile int sink; /* the thread's */
static char to[64];

static int compare(const void *a, const void *b)
{
    return (a > b) - (a < b);
}

static void strings(void)
{
    sink = (int)strlen(text);                       /* race */
    sink = (int)strnlen(text, 2);                   /* race */
    strcpy(to, text);                               /* race */
    strcpy(written, "x");                           /* race */
    stpcpy(to, text);                               /* race */
    stpcpy(written, "x");                           /* race */
    strncpy(to, text, 2);                           /* race */
    strncpy(written, "x", 4);                       /* race */
    stpncpy(written, "x", 4);                       /* race */
    to[0] = 0;
    strcat(to, text);                               /* race */
    strcat(written, "x");                           /* race */
    strncat(to, text, 1);                           /* race */
    strxfrm(to, text, 8);                           /* race */
    sink = strcmp(text, "ax");                      /* race */
    sink = strncmp("a", text, 1);                   /* race */
    sink = strcasecmp(text, "A");                   /* race */
    sink = strncasecmp(text, "A", 1);               /* race */
    sink = strcoll(text, "b");                      /* race */
    sink = strverscmp(text, "b");                   /* race */
    sink = strchr(text, 'a') != NULL;               /* race */
    sink = strchrnul(text, 'a') != NULL;            /* race */
    sink = strrchr(text, 'c') != NULL;              /* race */
    sink = strstr(text, "c") != NULL;               /* race */
    sink = strstr("c", text) != NULL;               /* race */
    sink = strcasestr(text, "A") != NULL;           /* race */
    sink = (int)strspn(text, "ab");                 /* race */
    sink = (int)strcspn("x", text);                 /* race */
    sink = strpbrk(text, "c") != NULL;              /* race */
    sink = memcmp(text, "abc", 3);                  /* race */
    sink = memchr(text, 'a', 3) != NULL;            /* race */
    sink = memrchr(text, 'c', 3) != NULL;           /* race */
    sink = rawmemchr(text, 'a') != NULL;            /* race */
    sink = memmem(text, 3, "c", 1) != NULL;         /* race */
    memccpy(to, text, 'a', 3);                      /* race */
    mempcpy(written, "x", 1);                       /* race */
    memset(written, 0, 1);                          /* race */
    bzero(written, 1);                              /* race */
    explicit_bzero(written, 1);                     /* race */
    bcopy("x", written, 1);                         /* race */
    free(strdup(text));                             /* race */
    free(strndup(text, 2));                         /* race */
    sink = strtok(to, text) != NULL;                /* race */
    sink = strtok_r(NULL, "x", &position) != NULL;  /* race */
    sink = strsep(&position, "x") != NULL;          /* race */
}

static void formats(void)
{
    printf(text);                                   /* race */
    printf("%s", text);                             /* race */
    printf("%d %.1s", 1, text);                     /* race */
    printf("%n", &numbers[0]);                      /* race */
    fprintf(stderr, "%s", text);                    /* race */
    dprintf(2, "%s", text);                         /* race */
    sprintf(to, "%s", text);                        /* race */
    sprintf(written, "%d", 1);                      /* race */
    snprintf(written, 2, "%d", 100);                /* race */
    puts(text);                                     /* race */
    fputs(text, stdout);                            /* race */
    fwrite(text, 1, 3, stdout);                     /* race */
    perror(text);                                   /* race */
    sink = (int)write(1, text, 3);                  /* race */
    asprintf(&position, "x");                       /* race */
    free(position);                                 /* race */
    sscanf(text, "%*s");                            /* race */
    sscanf("5", "%d", &numbers[0]);                 /* race */
    sscanf("xy", "%1s", written);                   /* race */
    sscanf("xy", "x%n", &numbers[0]);               /* race */
}

static void others(void)
{
    size_t found = 4;
    char *stop = NULL;
    sink = (int)strtol(digits, NULL, 10);           /* race */
    sink = (int)strtol("1", &position, 10);         /* race */
    sink = (int)strtoul(digits, &stop, 10);         /* race */
    sink = (int)strtoll(digits, NULL, 10);          /* race */
    sink = (int)strtod(digits, NULL);               /* race */
    sink = (int)strtof(digits, NULL);               /* race */
    sink = (int)strtold(digits, NULL);              /* race */
    sink = atoi(digits);                            /* race */
    sink = (int)atol(digits);                       /* race */
    sink = (int)atof(digits);                       /* race */
    qsort(numbers, 4, sizeof *numbers, compare);    /* race */
    sink = lfind(&key, numbers, &count, 4, compare) != NULL;   /* race */
    sink = lsearch(&numbers[0], to, &found, 4, compare) != NULL; /* race */
    sink = rand_r(&seed);                           /* race */
    sink = (int)nrand48(own);                       /* race */
    sink = getenv(text) != NULL;                    /* race */
}

static void clocks(void)
{
    struct tm parts;
    time(&moment);                                  /* race */
    clock_gettime(CLOCK_REALTIME, &spec);           /* race */
    clock_getres(CLOCK_REALTIME, &spec);            /* race */
    timespec_get(&spec, TIME_UTC);                  /* race */
    gettimeofday(&value, NULL);                     /* race */
    times(&ticks);                                  /* race */
    sink = gmtime(&moment) != NULL;                 /* race */
    gmtime_r(&moment, &parts);                      /* race */
    localtime_r(&moment, &broken);                  /* race */
    sink = asctime(&broken) != NULL;                /* race */
    asctime_r(&broken, to);                         /* race */
    ctime_r(&moment, to);                           /* race */
    sink = (int)mktime(&broken);                    /* race */
    sink = (int)timegm(&broken);                    /* race */
    strftime(to, 64, text, &parts);                 /* race */
    strftime(to, 64, "%Y", &broken);                /* race */
    strftime(written, 64, "%Y", &parts);            /* race */
}

static void *body(void *unused)
{
    GROUP();
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    text[0] = 'a';
    digits[0] = '1';
    numbers[0] = 3;
    count = 4;
    seed = 1;
    own[1] = 2;
    position = words;
    moment = 0;
    spec.tv_sec = 0;
    value.tv_sec = 0;
    ticks.tms_utime = 0;
    broken.tm_sec = 0;
    broken.tm_mon = 0;
    for (size_t i = 0; i < sizeof written; ++i) {
        volatile char seen = written[i];
        (void)seen;
    }
    pthread_join(thread, NULL);
    return 0;
}
