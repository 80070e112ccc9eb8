/* Store buffering (SB) and message passing (MP), between two std::threads. */
#include <atomic>
#include <cassert>
#include <thread>

#ifndef ORDER
#  define ORDER std::memory_order_release
#endif

std::atomic<int> x{0}, y{0};
int a, b, payload;

int main()
{
#ifdef SB
    std::thread one([] { x.store(1, ORDER); a = y.load(std::memory_order_seq_cst); });
    std::thread two([] { y.store(1, ORDER); b = x.load(std::memory_order_seq_cst); });
    one.join();
    two.join();
#  ifdef CHECK
    assert(a == 1 || b == 1);
#  endif
#else
    std::thread one([] { payload = 42; x.store(1, ORDER); });
    std::thread two([] {
        if (x.load(std::memory_order_acquire) == 1) {
            assert(payload == 42);
        }
    });
    one.join();
    two.join();
#endif
}
