/* std::call_once: the others wait for the first, or one of them takes over if it fails. */
#include <cassert>
#include <mutex>
#include <stdexcept>
#include <thread>

std::once_flag flag;
int value, tries;

void use()
{
    try {
#ifdef BY_HAND
        if (tries == 0) {
            ++tries;
            value = 7;
        }
#else
        std::call_once(flag, [] {
#  ifdef THROWS
            if (tries++ == 0) {
                throw std::runtime_error("not yet");
            }
#  endif
            value = 7;
        });
#endif
        assert(value == 7);
    } catch (const std::runtime_error &) {
    }
}

int main()
{
    std::thread one(use);
    std::thread two(use);
    one.join();
    two.join();
#ifdef THROWS
    assert(value == 7 && tries == 2);
#endif
}
