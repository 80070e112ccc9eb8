/* Exceptions that are caught in a thread, pass between threads, or are caught by nobody. */
#include <atomic>
#include <cassert>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct own {
    int code;
};

std::atomic<int> count{0};

struct cleanup {
    ~cleanup() { count.fetch_add(1, std::memory_order_relaxed); }
};

void risky(int how)
{
    cleanup guard;
    if (how == 1) {
        throw std::runtime_error("how is 1, which is a message of more than a few characters");
    }
    if (how == 2) {
        throw own{2};
    }
    if (how == 3) {
        (void)std::vector<int>(2).at(5);
    }
}

void careful(int how)
{
    try {
        risky(how);
        assert(how == 0);
    } catch (const std::out_of_range &error) {
        assert(how == 3);
    } catch (const std::exception &error) {
        assert(how == 1 && error.what()[0] == 'h');
    } catch (const own &error) {
        assert(how == 2 && error.code == 2);
    }
}

int main()
{
#ifdef UNCAUGHT
    std::thread other([] { risky(UNCAUGHT); });
    other.join();
#elif defined NOEXCEPT
    std::thread other([]() noexcept { risky(1); });
    other.join();
#elif defined IN_MAIN
    std::jthread other([] {});
    risky(1);
#elif defined POINTER
    std::exception_ptr passed;
    std::thread other([&] {
        try {
            risky(1);
        } catch (...) {
            passed = std::current_exception();
        }
    });
#  ifndef NO_JOIN
    other.join();
#  endif
    auto look = [passed] {
        try {
            if (passed) {
                std::rethrow_exception(passed);
            }
        } catch (const std::runtime_error &error) {
            assert(std::string(error.what()).size() > 20);
        }
    };
    passed = nullptr;
    std::thread one(look);
    std::thread two(look);
    one.join();
    two.join();
#  ifdef NO_JOIN
    other.join();
#  endif
#elif defined COPIES
    std::runtime_error error("a message that several copies share");
    std::thread one([error] { assert(error.what()[0] == 'a'); });
    std::thread two([error] { assert(error.what()[0] == 'a'); });
    one.join();
    two.join();
#else
    std::thread one(careful, 1);
    std::thread two(careful, 2);
    careful(3);
    one.join();
    two.join();
    assert(count == 3);
#endif
}
