/* A thread that joins when its object is destroyed, and stops when it is asked to. */
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

std::mutex lock;
std::condition_variable_any changed;
int turns;

int main()
{
#ifdef JOINABLE
    std::thread worker([] { turns = 1; }); /* std::terminate() is called: nobody has joined it */
#elif defined STOP
    {
        std::jthread worker([](std::stop_token stop) {
            std::unique_lock<std::mutex> guard(lock);
            changed.wait(guard, stop, [] { return false; });
            turns = 1;
        });
    }
    assert(turns == 1);
#elif defined CALLBACK
    std::stop_source source;
    int called = 0;
    std::stop_callback callback(source.get_token(), [&] { ++called; });
    std::jthread one([&] { source.request_stop(); });
    std::jthread two([&] { source.request_stop(); });
    one.join();
    two.join();
    assert(called == 1);
#else
    {
        std::jthread worker([] { turns = 1; });
#  ifdef EARLY
        assert(turns <= 1);
#  endif
    }
    assert(turns == 1);
#endif
}
