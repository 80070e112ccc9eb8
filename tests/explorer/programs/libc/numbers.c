/* Numbers from text, sorting, random numbers, the environment and the locale; each case with one fault, or none. */
#define _GNU_SOURCE
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

char shared[64] = "12345";
int numbers[8] = {5, 2, 9, 1, 7, 3, 8, 4};
int keys[2] = {1, 2};
unsigned short state_48[3];
unsigned seed;
char *end;
atomic_int x;

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int compare_with(const void *a, const void *b, void *sign)
{
    return *(int *)sign * compare(a, b);
}

static int compare_shared(const void *a, const void *b)
{
    return shared[3] == 0 ? 0 : compare(a, b);
}

static char *open_block(void)
{
    char *block = malloc(4);
    memcpy(block, "1234", 4);
    return block;
}

static int *int_block(int count)
{
    int *block = malloc((size_t)count * sizeof *block);
    for (int i = 0; i < count; ++i) {
        block[i] = count - i;
    }
    return block;
}

static char *freed_block(void)
{
    char *block = open_block();
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
    char *stop = NULL;
    assert(strtol(" -12x", &stop, 10) == -12 && *stop == 'x' && strtoul("ff", NULL, 16) == 255 && strtoll("077", NULL, 0) == 63);
    assert(strtoull("1", NULL, 2) == 1 && strtod("1.5e1z", &stop) == 15 && *stop == 'z' && strtof("2.5", NULL) == 2.5F);
    assert(strtold("0.5", NULL) == 0.5L && atoi("42") == 42 && atol("-1") == -1 && atoll("5") == 5 && atof("0.25") == 0.25);
    assert(strtoimax("9", NULL, 10) == 9 && strtoumax("9", NULL, 10) == 9 && strtol("none", &stop, 10) == 0 && *stop == 'n');
    errno = 0;
    assert(strtol("99999999999999999999", NULL, 10) > 0 && errno == ERANGE);
    int sign = -1, key = 7, wanted = 6;
    qsort(numbers, 8, sizeof *numbers, compare);
    assert(numbers[0] == 1 && numbers[3] == 4 && numbers[7] == 9);
    assert(*(int *)bsearch(&key, numbers, 8, sizeof *numbers, compare) == 7);
    assert(bsearch(&wanted, numbers, 8, sizeof *numbers, compare) == NULL);
    qsort_r(numbers, 8, sizeof *numbers, compare_with, &sign);
    assert(numbers[0] == 9 && numbers[7] == 1);
    size_t count = 7;
    assert(*(int *)lfind(&key, numbers, &count, sizeof *numbers, compare) == 7);
    assert(*(int *)lsearch(&wanted, numbers, &count, sizeof *numbers, compare) == 6 && count == 8);
    int *block = int_block(5);
    qsort(block, 5, sizeof *block, compare);
    assert(block[0] == 1 && block[4] == 5);
    block = reallocarray(block, 10, sizeof *block);
    assert(block[4] == 5 && malloc_usable_size(block) == 40);
    free(block);
    assert(getenv("RUSTED_RING_NO_SUCH") == NULL && strcmp(setlocale(LC_ALL, ""), "C") == 0);
    assert(strcmp(setlocale(LC_ALL, NULL), "C") == 0 && isalpha('a') && toupper('a') == 'A' && abs(-1) == 1 && sqrt(4) == 2);
#elif defined(RAND)
    int first[] = {1804289383, 846930886, 1681692777, 1714636915};
    for (int i = 0; i < 4; ++i) {
        assert(rand() == first[i]);
    }
    srand(42);
    assert(rand() == 71876166 && random() == 708592740);
    srandom(0);
    assert(rand() == 1804289383);
    unsigned mine = 1;
    assert(rand_r(&mine) == 476707713 && mine != 1);
    assert(lrand48() == 0 && lrand48() == 2116118);
    srand48(1);
    assert(lrand48() == 89400484 && drand48() > 0.4544 && mrand48() != 0);
    unsigned short own[3] = {0x330e, 1, 0};
    assert(nrand48(own) == 89400484);
#elif defined(RAND_TWO)
    int mine = rand();
    assert(mine == 1804289383 || mine == 846930886);
#elif defined(RAND_FIRST)
    assert(rand() == 1804289383); /* not if the other thread draws first */
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
