/* Variables of each thread, with constructors and destructors. */
#include <cassert>
#include <string>
#include <thread>
#include <vector>

int made, destroyed;

struct counted {
    int value = 0;
    counted() { ++made; }
    ~counted() { ++destroyed; }
};

thread_local counted mine;
thread_local std::vector<std::string> words;
thread_local int number = 3;
int *leaked;

int main()
{
    auto work = [] {
        ++mine.value;
        words.push_back("a text that is too long to lie in the object itself");
        number += 1;
        assert(mine.value == 1 && words.size() == 1 && number == 4);
#ifdef ESCAPES
        leaked = &mine.value;
#endif
    };
    std::thread one(work);
#ifdef BESIDE
    work(); /* both count what is made without a lock */
#endif
    one.join();
#ifndef BESIDE
    assert(made == 1 && destroyed == 1);
    std::thread two(work);
    two.join();
    assert(made == 2 && destroyed == 2 && number == 3);
#endif
#ifdef ESCAPES
    *leaked = 1;
#endif
}
