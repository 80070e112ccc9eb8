/* A value is handed over under a mutex with a condition variable. */
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <thread>

#ifdef ANY
using condition = std::condition_variable_any;
#else
using condition = std::condition_variable;
#endif

std::mutex lock;
condition changed;
bool ready;
int value;

void give()
{
    {
#ifndef NO_LOCK
        std::lock_guard<std::mutex> guard(lock);
#endif
        value = 42;
        ready = true;
    }
#ifndef NO_NOTIFY
    changed.notify_one();
#endif
}

int main()
{
    std::thread giver(give);
    {
        std::unique_lock<std::mutex> guard(lock);
#ifdef NO_PREDICATE
        changed.wait(guard); /* the notification may come before */
#elif defined IF
        if (!ready) {
            changed.wait(guard); /* a wake-up for no reason is taken for the notification */
        }
        assert(ready);
#else
        changed.wait(guard, [] { return ready; });
#endif
        assert(value == 42 || value == 0);
    }
    giver.join();
}
