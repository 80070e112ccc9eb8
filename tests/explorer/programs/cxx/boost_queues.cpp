/* Boost.Lockfree: PUSHERS threads push two values each (or ONE), while main pops. */
#include <cassert>
#include <thread>
#include <vector>

#if defined SPSC
#  include <boost/lockfree/spsc_queue.hpp>
boost::lockfree::spsc_queue<int, boost::lockfree::capacity<2>> all;
#elif defined STACK
#  include <boost/lockfree/stack.hpp>
boost::lockfree::stack<int, boost::lockfree::capacity<4>> all;
#else
#  include <boost/lockfree/queue.hpp>
boost::lockfree::queue<int, boost::lockfree::capacity<4>> all;
#endif

#ifndef COUNT
#  define COUNT 2
#endif
#ifndef PUSHERS
#  define PUSHERS 1
#endif

int beside;

int main()
{
    std::vector<std::thread> pushers;
    for (int p = 0; p < PUSHERS; ++p) {
        pushers.emplace_back([] {
            for (int value = 1; value <= COUNT; ++value) {
                all.push(value);
#ifdef BESIDE
                beside = value; /* after the value is out */
#endif
            }
        });
    }
    int value = 0;
    for (int turn = 0; turn < COUNT; ++turn) {
        if (all.pop(value)) {
            assert(value >= 1 && value <= COUNT);
#ifdef BESIDE
            assert(beside <= COUNT);
#endif
        }
    }
    for (auto &each : pushers) {
        each.join();
    }
}
