/*
 * client_payload.h - the accesses of a client program itself that the engine must see. A thread with a reference may read the
 * payload, a thread with a loan may write it, and no other access may be unordered with these; a thread that waits on a
 * descriptor waits in the engine.
 */
#ifndef CLIENT_PAYLOAD_H
#define CLIENT_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_TORN 255u /* the event of a read whose bytes are not those of one event */

/* Byte `index` of every payload of an event. */
static inline uint8_t client_byte(uint32_t event, uint64_t index)
{
    return (uint8_t)(event * 16 + index % 16);
}

/* The event of the payload at `payload`, by its first bytes and its last; CLIENT_TORN if they are not of one event. */
uint32_t client_payload_read(const uint8_t *payload, uint64_t length);

/* Writes the payload of an event, through a loan. */
void client_payload_write(uint8_t *payload, uint64_t length, uint32_t event);

/* Copies a payload from or to slots of a ring that are lent to the program. */
void client_payload_copy(uint8_t *to, const uint8_t *from, uint64_t length);

/* Whether the first bytes and the last are all 0. */
bool client_payload_is_zero(const uint8_t *payload, uint64_t length);

/* Waits without a timeout until a descriptor is readable; returns whether the engine followed the wait. */
bool client_poll(int descriptor);

#endif
