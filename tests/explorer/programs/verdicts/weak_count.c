/* Two threads add one each; a weak compare-exchange that is tried once may lose an addition. */
#include "verdicts.h"
static atomic_int count;
static void *adds(void *u)
{
    int seen = LOAD(count, relaxed);
#ifdef ONCE
    if (!EXCHANGE(&count, &seen, seen + 1))
        EXCHANGE(&count, &seen, seen + 1);
#else
    while (!EXCHANGE(&count, &seen, seen + 1)) {
    }
#endif
    return u;
}
int main(void)
{
    both(adds, adds);
    assert(LOAD(count, relaxed) == 2);
    return 0;
}
