/* Functions of string.h and strings.h, each case with one fault, or none. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

atomic_int x;
char shared[64] = "some text";
char other[64];

/* Blocks that hold a text with its NUL, and one without. */
static char *text_block(void)
{
    char *block = malloc(5);
    memcpy(block, "abcd", 5);
    return block;
}

static char *open_block(void)
{
    char *block = malloc(4);
    memcpy(block, "abcd", 4);
    return block;
}

static char *freed_block(void)
{
    char *block = text_block();
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
    char *to = malloc(64), *after = NULL, *at = NULL;
    char words[] = "one,two;;three", fields[] = "a,,b";
    assert(strlen(strcpy(to, "abc")) == 3 && stpcpy(to, "abcd") == to + 4);
    assert(strcmp(strcat(to, "ef"), "abcdef") == 0 && strcmp(strncat(to, "ghi", 2), "abcdefgh") == 0);
    assert(strncpy(to, "xy", 5) == to && to[2] == 0 && to[4] == 0 && to[5] == 'f');
    assert(stpncpy(to, "xyz", 2) == to + 2 && memcmp(to, "xy", 2) == 0);
    assert(strcmp("a", "b") < 0 && strncmp("abc", "abd", 2) == 0 && strcasecmp("AbC", "aBc") == 0);
    assert(strncasecmp("ABx", "aby", 2) == 0 && strcoll("b", "a") > 0 && strverscmp("a10", "a9") > 0);
    assert(strxfrm(to, "key", 64) == 3 && strcmp(to, "key") == 0 && strxfrm(NULL, "key", 0) == 3);
    const char *text = "find the needle";
    assert(strchr(text, 't') == text + 5 && strchr(text, 'q') == NULL && strchr(text, 0) == text + 15);
    assert(strrchr(text, 'e') == text + 14 && strchrnul(text, 'q') == text + 15 && index(text, 'f') == text);
    assert(strstr(text, "need") == text + 9 && strstr(text, "none") == NULL && strcasestr(text, "NEED") == text + 9);
    assert(strspn(text, "dnif") == 4 && strcspn(text, " ") == 4 && strpbrk(text, " x") == text + 4 && strpbrk(text, "q") == NULL);
    assert(memchr(text, 'h', 15) == text + 6 && memchr(text, 'h', 3) == NULL && memrchr(text, 'e', 15) == text + 14);
    assert(memmem(text, 15, "the", 3) == text + 5 && rawmemchr(text, 'h') == text + 6 && strnlen(text, 4) == 4);
    assert(mempcpy(to, "abc", 3) == to + 3 && memccpy(to, "abc", 'b', 3) == to + 2 && memccpy(to, "abc", 'q', 3) == NULL);
    bcopy("12345", to, 6);
    memmove(to + 1, to, 4);
    assert(strcmp(to, "11234") == 0 && bcmp(to, "11", 2) == 0);
    bzero(to, 2);
    explicit_bzero(to + 2, 2);
    assert(to[0] == 0 && to[3] == 0);
    assert(strcmp(strtok(words, ",;"), "one") == 0 && strcmp(strtok(NULL, ",;"), "two") == 0);
    assert(strcmp(strtok(NULL, ",;"), "three") == 0 && strtok(NULL, ",;") == NULL && strtok(NULL, ",;") == NULL);
    memcpy(words, "p q", 4);
    assert(strcmp(strtok_r(words, " ", &after), "p") == 0 && strcmp(strtok_r(NULL, " ", &after), "q") == 0);
    assert(strtok_r(NULL, " ", &after) == NULL);
    at = fields;
    assert(strcmp(strsep(&at, ","), "a") == 0 && strcmp(strsep(&at, ","), "") == 0 && strcmp(strsep(&at, ","), "b") == 0);
    assert(at == NULL && strsep(&at, ",") == NULL);
    assert(strcmp(strerror(2), "No such file or directory") == 0 && strcmp(strsignal(11), "Segmentation fault") == 0);
    assert(strcmp(strerror_r(2, to, 64), "No such file or directory") == 0);
    char *copy = strdup("copied"), *part = strndup("copied", 4);
    assert(strcmp(copy, "copied") == 0 && strcmp(part, "copi") == 0);
    free(copy);
    free(part);
    free(to);
#elif defined(UNTIL_DIFFERENT)
    /* What comes after the first difference, or behind what was found, is nobody's to read. */
    char *block = open_block();
    assert(strcmp(block, "abx") != 0 && strncmp(block, "abcd", 4) == 0 && memchr(block, 'd', 64) == block + 3);
    assert(strnlen(block, 4) == 4 && rawmemchr(block, 'c') == block + 2);
    char *copy = strndup(block, 4);
    assert(strlen(copy) == 4);
    free(copy);
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
