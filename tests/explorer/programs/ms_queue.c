/* The queue of Michael and Scott (PODC 1996), without reuse of nodes. BROKEN: the link is published relaxed. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#ifdef BROKEN
#define PUBLISH memory_order_relaxed
#else
#define PUBLISH memory_order_release
#endif

struct node {
    int value;
    _Atomic(struct node *) next;
};

static _Atomic(struct node *) head, tail;
static struct node nodes[4];
static atomic_int used;

static struct node *new_node(int value)
{
    struct node *node = &nodes[atomic_fetch_add_explicit(&used, 1, memory_order_relaxed)];
    node->value = value;
    atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
    return node;
}

static void enqueue(int value)
{
    struct node *node = new_node(value);
    for (;;) {
        struct node *last = atomic_load_explicit(&tail, memory_order_acquire);
        struct node *next = atomic_load_explicit(&last->next, memory_order_acquire);
        if (next == NULL) {
            if (atomic_compare_exchange_strong_explicit(&last->next, &next, node, PUBLISH, memory_order_relaxed)) {
                atomic_compare_exchange_strong_explicit(&tail, &last, node, PUBLISH, memory_order_relaxed);
                return;
            }
        } else {
            atomic_compare_exchange_strong_explicit(&tail, &last, next, PUBLISH, memory_order_relaxed);
        }
    }
}

static int dequeue(void)
{
    for (;;) {
        struct node *first = atomic_load_explicit(&head, memory_order_acquire);
        struct node *last = atomic_load_explicit(&tail, memory_order_acquire);
        struct node *next = atomic_load_explicit(&first->next, memory_order_acquire);
        if (first == last) {
            if (next == NULL) {
                return 0;
            }
            atomic_compare_exchange_strong_explicit(&tail, &last, next, PUBLISH, memory_order_relaxed);
        } else {
            int value = next->value;
            if (atomic_compare_exchange_strong_explicit(&head, &first, next, PUBLISH, memory_order_relaxed)) {
                return value;
            }
        }
    }
}

static void *producer(void *unused)
{
    enqueue(5);
    return unused;
}

static void *consumer(void *unused)
{
    int value = dequeue();
    assert(value == 0 || value == 5);
    return unused;
}

int main(void)
{
    pthread_t threads[3];
    struct node *dummy = new_node(0);
    atomic_store(&head, dummy);
    atomic_store(&tail, dummy);
    pthread_create(&threads[0], NULL, producer, NULL);
    pthread_create(&threads[1], NULL, consumer, NULL);
#ifdef TWO
    pthread_create(&threads[2], NULL, producer, NULL);
    pthread_join(threads[2], NULL);
#endif
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    return 0;
}
