/* The smallest useful program: an event into a pool and out again. */
#include <stdio.h>

#include <rusted_ring.h>

int main(void)
{
    rr_profile profile = rr_profile_seed();
    rr_allocator *allocator = rr_allocator_create(&profile, NULL);
    const uint8_t *payload = rr_allocate(allocator, "hello", 5, 7, 0, NULL);
    printf("%.*s %u\n", (int)rr_payload_length(payload), (const char *)payload, (unsigned)rr_payload_event_type(payload));
    rr_release_payload(allocator, payload);
    return rr_allocator_destroy(allocator) == RR_OK ? 0 : 1;
}
