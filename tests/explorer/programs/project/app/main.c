#include <assert.h>
#include <pthread.h>

#include "mailbox.h"

static struct mailbox box;

static void *put(void *unused)
{
    mailbox_put(&box, 7);
    return unused;
}

int main(void)
{
    pthread_t other;
    pthread_create(&other, NULL, put, NULL);
    int message = mailbox_take(&box);
    assert(message == 0 || message == 7);
    pthread_join(other, NULL);
}
