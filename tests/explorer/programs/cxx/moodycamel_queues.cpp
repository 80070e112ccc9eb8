/* moodycamel's queues: PRODUCERS threads enqueue COUNT values each, while main dequeues. */
#include <cassert>
#include <thread>
#include <vector>

#ifdef ONE
#  include <readerwriterqueue/readerwriterqueue.h>
moodycamel::ReaderWriterQueue<int> all(4);
#else
#  include <concurrentqueue/concurrentqueue.h>
moodycamel::ConcurrentQueue<int> all(64);
#endif

#ifndef PRODUCERS
#  define PRODUCERS 1
#endif

int beside;

int main()
{
    std::vector<std::thread> producers;
    for (int p = 0; p < PRODUCERS; ++p) {
        producers.emplace_back([] {
            for (int value = 1; value <= COUNT; ++value) {
                all.enqueue(value);
#ifdef BESIDE
                beside = value;
#endif
            }
        });
    }
    int value = 0;
    for (int turn = 0; turn < COUNT; ++turn) {
        if (all.try_dequeue(value)) {
            assert(value >= 1 && value <= COUNT);
#ifdef BESIDE
            assert(beside <= COUNT);
#endif
        }
    }
    for (auto &each : producers) {
        each.join();
    }
}
