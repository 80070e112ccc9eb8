/* A ring for one producer and one consumer: two values go in, two tries to take one. */
#include <array>
#include <atomic>
#include <cassert>
#include <optional>
#include <thread>

#ifndef PUBLISH
#  define PUBLISH std::memory_order_release
#endif
#ifndef SEE
#  define SEE std::memory_order_acquire
#endif

template <typename T, unsigned N> class ring {
    std::array<T, N> slots{};
    std::atomic<unsigned> head{0}, tail{0};

  public:
    bool push(T value)
    {
        unsigned at = tail.load(std::memory_order_relaxed);
        if (at - head.load(std::memory_order_acquire) == N) {
            return false;
        }
        slots[at % N] = value;
        tail.store(at + 1, PUBLISH);
        return true;
    }
    std::optional<T> pop()
    {
        unsigned at = head.load(std::memory_order_relaxed);
        if (at == tail.load(SEE)) {
            return std::nullopt;
        }
        T value = slots[at % N];
        head.store(at + 1, std::memory_order_release);
        return value;
    }
};

int main()
{
    ring<int, 2> r;
    std::thread producer([&] { assert(r.push(1) && r.push(2)); });
    std::thread consumer([&] {
        auto first = r.pop(), second = r.pop();
        assert(!first || *first == 1);
        assert(!second || *second == (first ? 2 : 1));
    });
    producer.join();
    consumer.join();
}
