/* client_payload.c - see client_payload.h. Compiled with the instrumentation, unlike the rest of the harness. */
#define _GNU_SOURCE
#include "client_payload.h"

#include <poll.h>
#include <string.h>

#define FIRST 8u /* a whole word, so that a payload costs one access and not one for each byte */

uint32_t client_payload_read(const uint8_t *payload, uint64_t length)
{
    uint8_t bytes[FIRST];
    uint64_t first = length < FIRST ? length : FIRST;
    if (first == FIRST) {
        uint64_t word = 0;
        memcpy(&word, payload, sizeof word);
        memcpy(bytes, &word, sizeof word);
    } else {
        for (uint64_t index = 0; index < first; ++index) {
            bytes[index] = payload[index];
        }
    }
    uint32_t event = first > 0 ? bytes[0] / 16u : CLIENT_TORN;
    for (uint64_t index = 0; index < first; ++index) {
        if (bytes[index] != client_byte(event, index)) {
            return CLIENT_TORN;
        }
    }
    if (length > first && payload[length - 1] != client_byte(event, length - 1)) {
        return CLIENT_TORN;
    }
    return event;
}

void client_payload_write(uint8_t *payload, uint64_t length, uint32_t event)
{
    uint8_t bytes[FIRST];
    for (uint32_t index = 0; index < FIRST; ++index) {
        bytes[index] = client_byte(event, index);
    }
    if (length >= FIRST) {
        uint64_t word = 0;
        memcpy(&word, bytes, sizeof word);
        memcpy(payload, &word, sizeof word);
    } else {
        for (uint64_t index = 0; index < length; ++index) {
            payload[index] = bytes[index];
        }
    }
    if (length > FIRST) { /* the last byte, and the last byte of the event after a cut by one */
        payload[length - 2] = client_byte(event, length - 2);
        payload[length - 1] = client_byte(event, length - 1);
    }
}

void client_payload_copy(uint8_t *to, const uint8_t *from, uint64_t length)
{
    uint64_t place = 0;
    for (; length - place >= FIRST; place += FIRST) {
        uint64_t word = 0;
        memcpy(&word, from + place, sizeof word);
        memcpy(to + place, &word, sizeof word);
    }
    for (; place < length; ++place) {
        to[place] = from[place];
    }
}

bool client_payload_is_zero(const uint8_t *payload, uint64_t length)
{
    uint64_t word = 0;
    if (length >= FIRST) {
        memcpy(&word, payload, sizeof word);
        return word == 0 && payload[length - 1] == 0;
    }
    for (uint64_t index = 0; index < length; ++index) {
        word |= payload[index];
    }
    return word == 0;
}

bool client_poll(int descriptor)
{
    struct pollfd asked = {.fd = descriptor, .events = POLLIN};
    return poll(&asked, 1, -1) == 1 && asked.revents == POLLIN;
}
