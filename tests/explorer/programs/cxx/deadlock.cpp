/* Two locks, taken by two threads in turn. */
#include <mutex>
#include <thread>

std::mutex one, two;

int main()
{
    std::jthread other([] {
        std::lock_guard<std::mutex> first(one);
        std::lock_guard<std::mutex> second(two);
    });
#ifdef SAME
    std::lock_guard<std::mutex> first(one);
    std::lock_guard<std::mutex> second(two);
#else
    std::lock_guard<std::mutex> first(two);
    std::lock_guard<std::mutex> second(one);
#endif
}
