/* Locks of the other kinds, and waits for a limited time. */
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

using namespace std::chrono_literals;
int value;

#ifdef RECURSIVE
std::recursive_mutex lock;
void again() { std::lock_guard<std::recursive_mutex> guard(lock); ++value; }
void work() { std::lock_guard<std::recursive_mutex> guard(lock); again(); }
#elif defined TIMED
std::timed_mutex lock;
void work()
{
    std::unique_lock<std::timed_mutex> guard(lock, 1ms);
#  ifndef UNCHECKED
    if (guard.owns_lock())
#  endif
        ++value;
}
#elif defined SHARED
std::shared_mutex lock;
void work()
{
    {
        std::shared_lock<std::shared_mutex> guard(lock);
        assert(value >= 0);
#  ifdef WRITE_AS_READER
        ++value;
#  endif
    }
    std::unique_lock<std::shared_mutex> guard(lock);
    ++value;
}
#elif defined TWO
std::mutex one, two;
void work()
{
    std::scoped_lock guard(one, two); /* takes both without a deadlock, in whatever order they are given */
    ++value;
}
#elif defined WAIT_FOR
std::mutex lock;
std::condition_variable changed;
bool ready;
void work()
{
    std::unique_lock<std::mutex> guard(lock);
    ready = true;
    changed.notify_all();
    value = 1;
}
#endif

int main()
{
#ifdef WAIT_FOR
    std::thread other(work);
    {
        std::unique_lock<std::mutex> guard(lock);
        bool seen = changed.wait_for(guard, 1ms, [] { return ready; });
#  ifdef SURE
        assert(seen);
#  else
        assert(!seen || value == 1);
#  endif
    }
    other.join();
#else
    std::thread other(work);
    work();
    other.join();
    assert(value <= 4);
#endif
}
