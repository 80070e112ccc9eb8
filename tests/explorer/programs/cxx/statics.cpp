/* Static variables: their constructors run before main and their destructors after it, the last made first. */
#include <cassert>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

int order;

struct first {
    std::vector<std::string> words{"a text that is too long to lie in the object itself"};
    first() { order = 1; }
    ~first() { assert(order == 3); }
} one;

struct second {
    std::unique_ptr<int> value = std::make_unique<int>(5);
    second()
    {
        assert(order == 1 && one.words.size() == 1);
        order = 2;
    }
    ~second()
    {
        assert(order == 2);
        order = 3;
#ifdef FAILS
        assert(*value == 4);
#endif
    }
} two;

#ifdef IN_CONSTRUCTOR
struct pool {
    int sum = 0;
    std::thread worker{[this] { ++sum; }};
    pool()
    {
#  ifdef RACE
        ++sum;
#  endif
    }
    ~pool()
    {
        worker.join();
        assert(sum >= 1);
    }
} threads;
#endif

void at_end() { order = order == 2 ? 2 : 0; }

int main()
{
    assert(order == 2 && *two.value == 5);
    std::atexit(at_end);
    one.words.push_back("one more");
    std::thread other([] { assert(one.words.size() == 2); });
    other.join();
#ifdef DETACHED
    std::thread([] { one.words.push_back("while main ends"); }).detach();
#endif
#ifdef EXIT
    std::exit(0);
#endif
}
