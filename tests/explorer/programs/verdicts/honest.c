/* What a checker could take for an error, and is none. */
#include "verdicts.h"
struct bits { unsigned a : 3, b : 5, c : 20; };
struct padded { char c; long l; short s; };
struct tail { int n; int items[]; };
union either { int whole; char bytes[4]; float real; };
static volatile long result;
static int table[3] = {1, 2, 3};
static const int fixed[3] = {4, 5, 6};
static _Atomic(void *) shown;
static jmp_buf back;
static struct padded __attribute__((noinline)) make(int n) { struct padded made = {.c = (char)n, .l = n, .s = 3}; return made; }
static int __attribute__((noinline)) total(int n, ...)
{
    va_list list;
    int sum = 0;
    va_start(list, n);
    for (int i = 0; i < n; i++)
        sum += va_arg(list, int);
    va_end(list);
    return sum;
}
static int __attribute__((noinline)) twice(int n) { return 2 * n; }
static long __attribute__((noinline)) look(const void *there, size_t size) { long sum = 0; for (size_t i = 0; i < size; i++) sum += ((const char *)there)[i]; return sum; }
static void __attribute__((noinline)) jump(void) { longjmp(back, 1); }
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static void *go(void *u)
{
    BODY
    return u;
}
int main(void)
{
    pthread_t a = start(go, 0), b = start(go, 0);
    finish(a);
    finish(b);
    return (int)result == 77777 || table[0] == 9 || fixed[0] == 9 || (LOAD(shown, relaxed) && compare(table, table) && make(1).c && total(0) && twice(1) && look(table, 1)) || (table[0] == 8 && (jump(), 1));
}
