/*
 * client_payload.h - what the engine must see of a client program itself. Whoever holds a reference may read the payload,
 * whoever holds a loan may write it, and nothing else that happens may be unordered with that; and a thread that waits on a
 * descriptor waits in the engine.
 */
#ifndef CLIENT_PAYLOAD_H
#define CLIENT_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_TORN 255u /* what is read where the bytes are those of no event */

/* Byte `place` of every payload of an event. */
static inline uint8_t client_byte(uint32_t event, uint64_t place)
{
    return (uint8_t)(event * 16 + place % 16);
}

/* The event whose payload lies at `payload`, by its first bytes and its last; CLIENT_TORN where they are of none. */
uint32_t client_payload_read(const uint8_t *payload, uint64_t length);

/* Writes the payload of an event, through a loan. */
void client_payload_write(uint8_t *payload, uint64_t length, uint32_t event);

/* Whether the first bytes and the last are all 0. */
bool client_payload_is_zero(const uint8_t *payload, uint64_t length);

/* Waits for ever until a descriptor is readable; returns whether it was followed. */
bool client_poll(int descriptor);

#endif
