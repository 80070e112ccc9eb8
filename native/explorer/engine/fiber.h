/* fiber.h - fibers: the threads of the program under test, as stacks that the engine switches between. */
#ifndef EXPLORER_FIBER_H
#define EXPLORER_FIBER_H

#include <stddef.h>
#include <stdint.h>

void *fiber_make(uint8_t *stack, size_t bytes, void (*body)(void));

/* Saves the caller's context in *from and switches to `to`. If `from` is NULL, the caller is never resumed. */
void fiber_switch(void **from, void *to);

/* The lowest address of its stack that a suspended fiber uses, or one below it. */
const uint8_t *fiber_low(const void *fiber);

#endif
