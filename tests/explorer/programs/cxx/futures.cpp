/* A result, or an exception, that comes from another thread. */
#include <cassert>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

int main()
{
#ifdef PROMISE
    std::promise<int> promise;
    auto future = promise.get_future();
    int beside = 0;
    std::thread other([&] {
        promise.set_value(42);
#  ifdef AFTER
        beside = 1; /* too late: the result is out */
#  endif
    });
    assert(future.get() == 42);
    assert(beside == 0 || beside == 1);
    other.join();
#elif defined EXCEPTION
    std::promise<int> promise;
    auto future = promise.get_future();
    std::thread other([&] { promise.set_exception(std::make_exception_ptr(std::runtime_error("no result"))); });
    try {
        future.get();
        assert(false);
    } catch (const std::runtime_error &error) {
        assert(std::string(error.what()) == "no result");
    }
    other.join();
#elif defined BROKEN
    std::future<int> future;
    std::thread other([&, promise = std::promise<int>()]() mutable { future = promise.get_future(); });
    other.join();
    (void)future.get(); /* std::future_error, which nobody catches */
#elif defined NEVER
    std::promise<int> promise;
    auto future = promise.get_future();
    std::thread other([] {});
    other.join();
    future.get();
#elif defined ASYNC
    int value = 0;
    auto future = std::async(std::launch::async, [&] { value = 1; return std::string("done"); });
#  ifdef EARLY
    assert(value <= 1);
#  endif
    assert(future.get() == "done");
    assert(value == 1);
#elif defined TASK
    std::packaged_task<int(int)> task([](int half) { return 2 * half; });
    auto future = task.get_future().share();
    std::thread one([&] { assert(future.get() == 42); });
    std::thread two(std::move(task), 21);
    one.join();
    two.join();
#elif defined WAIT_FOR
    std::promise<void> promise;
    auto future = promise.get_future();
    std::jthread other([&] { promise.set_value(); });
    if (future.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready) {
        future.get();
    }
#endif
}
