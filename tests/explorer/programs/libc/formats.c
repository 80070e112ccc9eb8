/* The printf and scanf families, each case with one fault, or none. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

atomic_int x;
char shared[64] = "12 text";
int number;
char *made;

static int through_list(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(to, size, format, arguments);
    va_end(arguments);
    return length;
}

static int scan_list(const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int assigned = vsscanf(text, format, arguments);
    va_end(arguments);
    return assigned;
}

static char *open_block(void)
{
    char *block = malloc(4);
    memcpy(block, "abcd", 4);
    return block;
}

static char *freed_block(void)
{
    char *block = malloc(5);
    memcpy(block, "abcd", 5);
    free(block);
    return block;
}

static void *body(void *unused)
{
    atomic_store(&x, 1);
    return unused;
}

static void work(void)
{
#if defined(ALONE)
    ALONE;
#elif defined(CLEAN)
    char *to = malloc(64);
    int n = 0;
    signed char small = 0;
    assert(sprintf(to, "%d %s%n %5.1f %c %p %%", 7, "seven", &n, 2.25, 'x', (void *)0) > 0 && n == 7);
    assert(strncmp(to, "7 seven   2.2 x", 15) == 0);
    assert(snprintf(to, 4, "%s", "longer") == 6 && strcmp(to, "lon") == 0 && snprintf(NULL, 0, "%d", 123) == 3);
    assert(through_list(to, 64, "%ld|%lld|%hhd|%zu|%jd|%Lg|%*d|%-*.*s|", 1L, 2LL, 3, (size_t)4, (intmax_t)5, 1.5L, 3, 6, 4, 2,
                        "abc") == 23);
    assert(strcmp(to, "1|2|3|4|5|1.5|  6|ab  |") == 0);
    assert(sprintf(to, "%ls", L"wide") == 4 && sprintf(to, "%s", (char *)NULL) == 6 && sprintf(to, "ab%hhn", &small) == 2);
    assert(small == 2);
    errno = ENOENT;
    assert(sprintf(to, "%m") > 0 && strcmp(to, "No such file or directory") == 0);
    char *block = NULL;
    assert(asprintf(&block, "%d", 12345) == 5 && strcmp(block, "12345") == 0);
    free(block);
    assert(printf("%s", "abc") == 3 && puts("abc") == 4 && fprintf(stderr, "%d", 10) == 2 && dprintf(1, "%d", 1) == 1);
    assert(fputs("x", stdout) >= 0 && putchar('c') == 'c' && fputc('d', stderr) == 'd' && putc('e', stdout) == 'e');
    assert(fwrite("abc", 1, 3, stdout) == 3 && fflush(stdout) == 0 && fflush(NULL) == 0 && write(1, "abc", 3) == 3);
    perror("no");
    free(to);
#elif defined(PRECISION)
    char *block = open_block();
    char to[8];
    printf("%.4s", block);
    assert(sprintf(to, "%.*s", 2, block) == 2 && strcmp(to, "ab") == 0);
    free(block);
#elif defined(SCAN)
    short s = 0;
    long l = 0;
    signed char c = 0;
    long long ll = 0;
    double d = 0;
    float f = 0;
    long double ld = 0;
    int n = -1, i = 0, hex = 0;
    char word[8], set[8], chars[3] = "";
    void *p = NULL;
    assert(sscanf("1 2 3 4 5.5 6.5 7.5", "%hd %ld %hhd %lld %lf %f %Lf", &s, &l, &c, &ll, &d, &f, &ld) == 7);
    assert(s == 1 && l == 2 && c == 3 && ll == 4 && d == 5.5 && f == 6.5F && ld == 7.5L);
    assert(sscanf("word abcx 0x1f", "%7s %[abc]%2c %n%i", word, set, chars, &n, &hex) == 4);
    assert(strcmp(word, "word") == 0 && strcmp(set, "abc") == 0 && memcmp(chars, "x ", 2) == 0 && n == 10 && hex == 31);
    assert(sscanf("12x", "%*d%c%n%d", chars, &n, &i) == 1 && chars[0] == 'x' && n == 3 && i == 0);
    assert(sscanf("", "%d", &i) == EOF && sscanf("ab", "%d%n", &i, &n) == 0 && n == 3);
    assert(scan_list("7 8", "%d %d", &i, &n) == 2 && i == 7 && n == 8 && sscanf("0x10", "%p", &p) == 1 && p == (void *)16);
    assert(sscanf("a]b", "%[]a]", set) == 1 && strcmp(set, "a]") == 0 && sscanf("x%", "x%%%n", &n) == 0 && n == 2);
    int *block = malloc(sizeof *block);
    assert(sscanf("5", "%d", block) == 1 && *block == 5);
    free(block);
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
