/* Treiber's stack. With REUSE, nodes are freed as soon as they are popped: a pop that was overtaken reads a freed node. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct node {
    int value;
    struct node *next;
};

static _Atomic(struct node *) top;
#ifndef REUSE
struct node *kept[2]; /* or they were leaks; not static, or a compiler sees that nobody reads it */
#endif

static void push(int value)
{
    struct node *node = malloc(sizeof *node);
    node->value = value;
    node->next = atomic_load_explicit(&top, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&top, &node->next, node, memory_order_release, memory_order_relaxed)) {
    }
}

static int pop(int number)
{
    (void)number;
    struct node *node = atomic_load_explicit(&top, memory_order_acquire);
    while (node != NULL && !atomic_compare_exchange_weak_explicit(&top, &node, node->next, memory_order_acquire,
                                                                  memory_order_acquire)) {
    }
    if (node == NULL) {
        return 0;
    }
    int value = node->value;
#ifdef REUSE
    free(node);
#else
    kept[number] = node;
#endif
    return value;
}

static void *pusher(void *unused)
{
    push(1);
    return unused;
}

static void *popper(void *number)
{
    int value = pop(number == NULL ? 0 : 1);
    assert(value == 0 || value == 1 || value == 7);
    return number;
}

int main(void)
{
    pthread_t threads[3];
    push(7);
    pthread_create(&threads[0], NULL, pusher, NULL);
    pthread_create(&threads[1], NULL, popper, NULL);
    pthread_create(&threads[2], NULL, popper, &top);
    for (int i = 0; i < 3; ++i) {
        pthread_join(threads[i], NULL);
    }
    return 0;
}
