/* Statuses, size classes, layout arithmetic and profiles. */
#include <string.h>

#include "check.h"
#include "rusted_ring.h"

static void every_status_has_a_text(void) /* [ERR-3] */
{
    for (int status = RR_OK; status <= RR_END_OF_STREAM; ++status) {
        const char *text = rr_status_text((rr_status)status);
        CHECK(text != NULL && strlen(text) > 1 && strncmp(text, "unknown", 7) != 0);
        for (int other = RR_OK; other < status; ++other) {
            CHECK(strcmp(text, rr_status_text((rr_status)other)) != 0);
        }
    }
    CHECK(strncmp(rr_status_text((rr_status)99), "unknown", 7) == 0);
}

static void estimate_is_the_smallest_class_that_fits(void) /* [SIZE-1] [SIZE-2] [SIZE-3] [SIZE-4] */
{
    static const uint64_t limits[] = {64, 256, 1024, 4096, 16384, 4294967295};
    CHECK_EQUAL(rr_estimate_size(0), RR_XS);
    for (uint32_t size_class = 0; size_class < RR_POOL_COUNT; ++size_class) {
        CHECK_EQUAL(rr_size_limit(size_class), limits[size_class]);
        CHECK_EQUAL(rr_estimate_size(limits[size_class]), (int)size_class);
        CHECK_EQUAL(rr_pool_from_size(size_class), (int)size_class);
        CHECK_EQUAL(rr_estimate_size(limits[size_class] + 1), size_class < 5 ? (int)size_class + 1 : -RR_PAYLOAD_TOO_LARGE);
    }
    CHECK_EQUAL(rr_size_limit(6), 0);
    CHECK_EQUAL(rr_pool_from_size(6), -RR_BAD_ARGUMENT);
    CHECK_EQUAL(rr_estimate_size(UINT64_MAX), -RR_PAYLOAD_TOO_LARGE);
}

static void layout_is_exact(void) /* [LAYOUT-1] [LAYOUT-2] [LAYOUT-3] [LAYOUT-6] */
{
    CHECK_EQUAL(rr_round64(0), 0);
    CHECK_EQUAL(rr_round64(1), 64);
    CHECK_EQUAL(rr_round64(64), 64);
    CHECK_EQUAL(rr_round64(65), 128);
    CHECK_EQUAL(rr_event_bytes(56), 64);
    CHECK_EQUAL(rr_event_bytes(57), 128);
    CHECK_EQUAL(rr_slot_bytes(64), 192);
    CHECK_EQUAL(rr_pool_bytes(64, 2000), 64 + 2000 * 192);
    CHECK_EQUAL(rr_ring_bytes(256, 1000, 0), 64 * 3 + 1000 * 256 + 8000);
    CHECK_EQUAL(rr_ring_bytes(257, 9, 16), 64 * 19 + 9 * 320 + 128);
    CHECK(rr_ring_bytes(64, UINT64_MAX / 72, 0) == UINT64_MAX);
    CHECK(rr_ring_bytes(0, (UINT64_C(1) << 61) - 32, 0) == UINT64_MAX - 63); /* the last line that 64 bits hold */
    CHECK(rr_ring_bytes(64, (UINT64_MAX - 63 - 384) / 72, 3) == UINT64_MAX - 63);
    CHECK(rr_ring_bytes(0, (UINT64_C(1) << 61) - 31, 0) == UINT64_MAX);
    CHECK(rr_pool_bytes(UINT64_MAX, 1) == UINT64_MAX);
    CHECK(rr_pool_bytes(64, UINT64_MAX / 192) == UINT64_MAX);
    CHECK(rr_ring_bytes(UINT32_MAX, UINT64_C(1) << 40, 1) == UINT64_MAX);
}

static void profiles_have_the_values_of_the_table(void) /* [PARAM-1] */
{
    rr_profile seed = rr_profile_seed();
    rr_profile wide = rr_profile_wide();
    rr_profile tiny = rr_profile_tiny();
    static const uint32_t usual[] = {2000, 1000, 300, 60, 15};
    static const uint32_t small[] = {3, 2, 2, 1, 1};
    CHECK(seed.ref_bits == 8 && seed.generation_bits == 16 && seed.tag_bits == 32);
    CHECK(wide.ref_bits == 22 && wide.generation_bits == 40 && wide.tag_bits == 32);
    CHECK(tiny.ref_bits == 2 && tiny.generation_bits == 2 && tiny.tag_bits == 2);
    CHECK(memcmp(seed.capacities, usual, sizeof usual) == 0);
    CHECK(memcmp(wide.capacities, usual, sizeof usual) == 0);
    CHECK(memcmp(tiny.capacities, small, sizeof small) == 0);
    CHECK(seed.heap_slots == 64 && wide.heap_slots == 64 && tiny.heap_slots == 2);
    CHECK(seed.heap_bytes == 67108864 && wide.heap_bytes == 67108864 && tiny.heap_bytes == 65536);
    CHECK(seed.max_ring_bytes == 1048576 && rr_profile_check(&seed) == RR_OK);
    CHECK(rr_profile_check(&wide) == RR_OK && rr_profile_check(&tiny) == RR_OK);
}

#define REFUSED(change)                                      \
    do {                                                     \
        rr_profile profile = rr_profile_tiny();              \
        rr_status status = RR_OK;                            \
        profile.change;                                      \
        CHECK_EQUAL(rr_profile_check(&profile), RR_LAYOUT);  \
        CHECK(rr_allocator_create(&profile, &status) == NULL); \
        CHECK_EQUAL(status, RR_LAYOUT);                      \
    } while (0)

#define ACCEPTED(change)                                \
    do {                                                \
        rr_profile profile = rr_profile_tiny();         \
        profile.change;                                 \
        CHECK_EQUAL(rr_profile_check(&profile), RR_OK); \
    } while (0)

static void profiles_out_of_bounds_are_refused(void) /* [PARAM-2] [PARAM-3] [LAYOUT-7] */
{
    REFUSED(ref_bits = 0);
    REFUSED(ref_bits = 23);
    REFUSED(generation_bits = 0);
    REFUSED(generation_bits = 41);
    REFUSED(tag_bits = 33);
    REFUSED(capacities[0] = 0);
    REFUSED(capacities[4] = 2097153);
    REFUSED(capacities[0] = 5462);
    REFUSED(heap_slots = 0);
    REFUSED(heap_slots = 2097153);
    REFUSED(heap_bytes = 0);
    REFUSED(heap_bytes = (UINT64_C(1) << 48) + 1);
    ACCEPTED(ref_bits = 1);
    ACCEPTED(ref_bits = 22);
    ACCEPTED(generation_bits = 1);
    ACCEPTED(generation_bits = 40);
    ACCEPTED(tag_bits = 0);
    ACCEPTED(capacities[0] = 5461);
    ACCEPTED(heap_bytes = UINT64_C(1) << 48);
}

int main(void)
{
    RUN(every_status_has_a_text);
    RUN(estimate_is_the_smallest_class_that_fits);
    RUN(layout_is_exact);
    RUN(profiles_have_the_values_of_the_table);
    RUN(profiles_out_of_bounds_are_refused);
    return 0;
}
