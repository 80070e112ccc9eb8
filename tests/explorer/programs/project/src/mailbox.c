#include "mailbox.h"

#ifndef PUBLISH
#  error "the build says by which order a message is published"
#endif

void mailbox_put(struct mailbox *box, int message)
{
    box->message = message;
    atomic_store_explicit(&box->full, 1, PUBLISH);
}

int mailbox_take(struct mailbox *box)
{
    return atomic_load_explicit(&box->full, memory_order_acquire) ? box->message : 0;
}
