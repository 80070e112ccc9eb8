/* Two threads share an object, and the last one destroys it. */
#include <cassert>
#include <memory>
#include <thread>

struct object {
    int value = 7;
    ~object() { value = 0; }
};

int main()
{
    auto shared = std::make_shared<object>();
    std::weak_ptr<object> weak = shared;
#ifdef RAW
    object *raw = shared.get();
    std::thread other([raw] { assert(raw->value == 7); });
#elif defined SAME_POINTER
    std::thread other([&shared] { auto mine = shared; });
#elif defined WEAK
    std::thread other([weak] {
        if (auto mine = weak.lock()) {
            assert(mine->value == 7);
        }
    });
#elif defined CYCLE
    struct node {
        std::shared_ptr<node> next;
    };
    auto one = std::make_shared<node>();
    one->next = one;
    std::thread other([] {});
#else
    std::thread other([mine = shared] { assert(mine->value == 7); });
#endif
    shared.reset();
    other.join();
}
