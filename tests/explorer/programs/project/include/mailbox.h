/* mailbox.h - one message from one thread to another. */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdatomic.h>

struct mailbox {
    int message;
    atomic_int full;
};

void mailbox_put(struct mailbox *box, int message);
int mailbox_take(struct mailbox *box); /* 0 if there is none */

#endif
