/* An access that begins in an array on the stack and ends outside it. */
#include "verdicts.h"
static volatile long result;
static void __attribute__((noinline)) use(char *text, size_t most) { memset(text, 'a', most); }
static void *go(void *u)
{
    char text[8];
    use(text, MOST);
    result = text[0];
    return u;
}
int main(void)
{
    pthread_t t = start(go, 0);
    finish(t);
    return 0;
}
