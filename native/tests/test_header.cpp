// The header is C++ too, and its functions link from C++.
#include <rusted_ring.h>

int main()
{
    rr_profile profile = rr_profile_tiny();
    rr_status status = RR_BUSY;
    rr_allocator *allocator = rr_allocator_create(&profile, &status);
    if (allocator == nullptr || status != RR_OK || rr_pool_capacity(allocator, RR_XS) != 3) {
        return 1;
    }
    return rr_allocator_destroy(allocator) == RR_OK ? 0 : 2;
}
