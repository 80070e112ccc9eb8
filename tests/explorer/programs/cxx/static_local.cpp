/* A variable that the first thread to come to it sets up. */
#include <cassert>
#include <stdexcept>
#include <thread>

struct object {
    int value;
    object() : value(0)
    {
#ifdef THROWS
        static int tries;
        if (tries++ == 0) {
            throw std::runtime_error("not yet");
        }
#endif
        value = 7;
    }
};

#ifdef BY_HAND
object *made;
object &get()
{
    if (made == nullptr) {
        made = new object;
    }
    return *made;
}
#else
object &get()
{
    static object made;
    return made;
}
#endif

void use()
{
    try {
        assert(get().value == 7);
    } catch (const std::runtime_error &) {
        assert(get().value == 7);
    }
}

int main()
{
    std::thread one(use);
    std::thread two(use);
    one.join();
    two.join();
}
