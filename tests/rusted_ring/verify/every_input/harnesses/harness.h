/* harness.h - what the harnesses share: any value, assumptions. Checked with ESBMC, never run. */
#ifndef HARNESS_H
#define HARNESS_H

#include <assert.h>
#include <stdint.h>

uint64_t nondet_uint64(void); /* without a body: any value */
uint32_t nondet_uint32(void);

#define ANY64() nondet_uint64()
#define ANY32() nondet_uint32()
#define ASSUME(condition) __ESBMC_assume(condition)

#endif
