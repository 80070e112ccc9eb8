/* Main's READ races with WRITE, though the value that it reads is not used; with -DORDERED it comes after it. */
#include "verdicts.h"
#ifdef ORDERED
#define GIVE release
#define TAKE acquire
#else
#define GIVE relaxed
#define TAKE relaxed
#endif
#define STORE_(object, value, order) STORE(object, value, order)
#define LOAD_(object, order) LOAD(object, order)
struct pair { int first; unsigned low : 3, high : 5; int last; };
static int payload, many[4];
static double real;
static struct pair pair;
static atomic_int flag;
static inline int get(void) { return payload; }
static inline void ignore(int value) { (void)value; }
static void *give(void *u)
{
    WRITE;
    STORE_(flag, 1, GIVE);
    return u;
}
int main(void)
{
    pthread_t t = start(give, 0);
    if (LOAD_(flag, TAKE)) { READ; }
    finish(t);
    return 0;
}
