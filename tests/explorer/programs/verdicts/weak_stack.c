/* A push that is tried once: by a weak compare-exchange the node may be lost. */
#include "verdicts.h"
struct node { struct node *next; };
static _Atomic(struct node *) top;
static void *push(void *u)
{
    struct node *node = malloc(sizeof *node);
    node->next = LOAD(top, relaxed);
    LOOP (!EXCHANGE(&top, &node->next, node)) {
    }
    return u;
}
int main(void)
{
    pthread_t t = start(push, 0);
    finish(t);
    free(LOAD(top, relaxed));
    return 0;
}
