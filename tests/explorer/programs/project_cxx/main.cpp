#include <cassert>
#include <thread>

#include "box.hpp"

extern "C" int answer(void);

int main()
{
    Box box;
    std::thread writer([&] { box.put(answer()); });
    int value = 0;
    if (box.take(value)) {
        assert(value == 42);
    }
    writer.join();
}
