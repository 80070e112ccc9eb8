/* fiber.h - threads of the program under test, as stacks that the engine switches between. */
#ifndef EXPLORER_FIBER_H
#define EXPLORER_FIBER_H

#include <stddef.h>
#include <stdint.h>

void *fiber_make(uint8_t *stack, size_t bytes, void (*body)(void));

/* Saves where the caller is in *from and goes on at `to`; from NULL: never to come back. */
void fiber_switch(void **from, void *to);

/* Below what a fiber uses of its stack. */
const uint8_t *fiber_low(const void *fiber);

#endif
