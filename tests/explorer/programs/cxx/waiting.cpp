/* What C++20 brought: waits for atomics, latches, barriers, semaphores. */
#include <atomic>
#include <barrier>
#include <cassert>
#include <latch>
#include <semaphore>
#include <thread>

int value;

int main()
{
#ifdef ATOMIC
    std::atomic<int> state{0};
    std::thread other([&] {
        value = 1;
        state.store(1, std::memory_order_release);
#  ifndef NO_NOTIFY
        state.notify_one();
#  endif
    });
    state.wait(0, std::memory_order_acquire);
    assert(value == 1);
    other.join();
#elif defined FLAG
    std::atomic_flag state;
    std::thread other([&] {
        value = 1;
        state.test_and_set();
        state.notify_all();
    });
    state.wait(false);
    assert(value == 1);
    other.join();
#elif defined LATCH
    std::latch done(LATCH);
    std::thread other([&] {
        value = 1;
        done.count_down();
    });
    done.wait();
    assert(value == 1);
    other.join();
#elif defined BARRIER
    std::barrier together(2);
    std::thread other([&] {
        value = 1;
        together.arrive_and_wait();
#  ifdef AFTER
        value = 2;
#  endif
    });
    together.arrive_and_wait();
    assert(value >= 1);
    other.join();
#elif defined SIGNAL
    std::binary_semaphore signal(0);
    std::thread other([&] {
        value = 1;
        signal.release();
#  ifdef AFTER
        value = 2;
#  endif
    });
    signal.acquire();
    assert(value == 1);
    other.join();
#elif defined SEMAPHORE
    std::counting_semaphore<2> permits(SEMAPHORE);
    auto work = [&] {
        permits.acquire();
        ++value;
        permits.release();
    };
    std::thread other(work);
    work();
    other.join();
    assert(value == 2);
#endif
}
