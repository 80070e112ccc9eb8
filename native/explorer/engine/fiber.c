/* fiber.c - fibers: the threads of the program under test, as stacks that the engine switches between. */
#define _GNU_SOURCE
#include "fiber.h"

#include "../explorer.h"

/* EXPLORER_UCONTEXT selects the portable implementation, so that it can be tested on machines that have another one. */
#if defined(__x86_64__) && !defined(EXPLORER_UCONTEXT)

/* System V: rbx, rbp and r12 to r15 are callee-saved. */
__asm__(".text\n"
        ".globl explorer_switch\n"
        ".type explorer_switch,@function\n"
        "explorer_switch:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size explorer_switch,.-explorer_switch\n");

void *fiber_make(uint8_t *stack, size_t bytes, void (*body)(void))
{
    uint64_t *top = (uint64_t *)(void *)(stack + bytes);
    *--top = 0; /* the return address of body, which never returns; it also aligns the stack as the ABI demands */
    *--top = (uint64_t)(uintptr_t)body;
    for (int i = 0; i < 6; ++i) {
        *--top = UINT64_C(0xb7d9ebf3b7d9ebf3); /* the pattern of unwritten stack memory, see schedule.h */
    }
    return top;
}

#elif defined(__aarch64__) && !defined(EXPLORER_UCONTEXT)

/* AAPCS64: x19 to x30 and d8 to d15 are callee-saved. */
__asm__(".text\n"
        ".globl explorer_switch\n"
        ".type explorer_switch,%function\n"
        "explorer_switch:\n"
        "  sub sp, sp, #160\n"
        "  stp x19, x20, [sp, #0]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
        "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
        "  mov x9, sp\n  str x9, [x0]\n  mov sp, x1\n"
        "  ldp x19, x20, [sp, #0]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
        "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
        "  add sp, sp, #160\n"
        "  ret\n"
        ".size explorer_switch,.-explorer_switch\n");

void *fiber_make(uint8_t *stack, size_t bytes, void (*body)(void))
{
    uint64_t *top = (uint64_t *)(void *)(stack + bytes) - 20;
    for (int i = 0; i < 20; ++i) {
        top[i] = 0;
    }
    top[11] = (uint64_t)(uintptr_t)body; /* x30 */
    return top;
}

#else
#define FIBERS_ARE_CONTEXTS

#include <stdlib.h>
#include <ucontext.h>

/* On other machines a fiber's context lies at the top of its stack, and the engine's in a static variable. */
struct fiber {
    ucontext_t context;
    uint8_t *low; /* below the part of its stack that is in use */
};

static struct fiber engine_fiber EXPLORER_STATE;

void *fiber_make(uint8_t *stack, size_t bytes, void (*body)(void))
{
    size_t top = (bytes - sizeof(struct fiber)) / 64 * 64;
    struct fiber *fiber = (struct fiber *)(void *)(stack + top);
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = top - 64;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, body, 0);
    return fiber;
}

void fiber_switch(void **from, void *to)
{
    uint8_t here = 0;
    if (from == NULL) {
        setcontext(&((struct fiber *)to)->context);
        abort();
    }
    struct fiber *mine = *from != NULL ? (struct fiber *)*from : &engine_fiber;
    /* with room for the frames of this function and of swapcontext */
    mine->low = (uint8_t *)((uintptr_t)&here - 1024);
    *from = mine;
    swapcontext(&mine->context, &((struct fiber *)to)->context);
}

const uint8_t *fiber_low(const void *fiber)
{
    return ((const struct fiber *)fiber)->low;
}

#endif

#ifndef FIBERS_ARE_CONTEXTS
void explorer_switch(void **from, void *to);

void fiber_switch(void **from, void *to)
{
    void *nowhere = NULL;
    explorer_switch(from != NULL ? from : &nowhere, to);
}

const uint8_t *fiber_low(const void *fiber)
{
    return fiber;
}
#endif
