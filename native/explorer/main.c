/* main.c - a C program under the explorer: its own main is called from here. */
#define _GNU_SOURCE
#include "explorer.h"

int explorer_program_main(int argc, char **argv);

static int body(void)
{
    static char name[] = "program";
    static char *arguments[] = {name, NULL};
    return explorer_program_main(1, arguments);
}

int main(int argc, char **argv)
{
    return explorer_run(argc, argv, body);
}
