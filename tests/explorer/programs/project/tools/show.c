#include <stdio.h>

#include "mailbox.h"

int main(void)
{
    struct mailbox box = {0};
    mailbox_put(&box, 3);
    printf("%d\n", mailbox_take(&box));
}
