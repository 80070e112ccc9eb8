/* The threads of C11: mtx, cnd, call_once, thrd_exit, results of joins. */
#include <assert.h>
#include <stdatomic.h>
#include <threads.h>

static mtx_t mutex;
static cnd_t condition;
static once_flag once = ONCE_FLAG_INIT;
static int value, inits;
static _Thread_local int mine = 3;

static void initialise(void)
{
    ++inits;
}

static int give(void *unused)
{
    call_once(&once, initialise);
    mtx_lock(&mutex);
    value = 4;
    cnd_signal(&condition);
    mtx_unlock(&mutex);
    ++mine;
    thrd_exit(mine);
    return unused != NULL;
}

static int take(void *unused)
{
    (void)unused;
    call_once(&once, initialise);
    mtx_lock(&mutex);
    while (value == 0) {
        cnd_wait(&condition, &mutex);
    }
    int seen = value;
    mtx_unlock(&mutex);
    assert(mine == 3);
    return seen + 10;
}

int main(void)
{
    thrd_t one, two;
    int first = 0, second = 0;
    mtx_init(&mutex, mtx_plain);
    cnd_init(&condition);
    thrd_create(&one, give, NULL);
    thrd_create(&two, take, NULL);
    thrd_join(one, &first);
    thrd_join(two, &second);
    assert(first == 4 && second == 14 && inits == 1 && mine == 3);
    cnd_destroy(&condition);
    mtx_destroy(&mutex);
    return 0;
}
