/* std::atomic<std::shared_ptr>: that of libstdc++ 12 unlocks in load() by a relaxed operation. */
#include <atomic>
#include <cassert>
#include <memory>
#include <thread>

#ifdef FREE_FUNCTIONS
std::shared_ptr<int> shared = std::make_shared<int>(1);
int load() { return *std::atomic_load(&shared); }
void store(int value) { std::atomic_store(&shared, std::make_shared<int>(value)); }
#else
std::atomic<std::shared_ptr<int>> shared(std::make_shared<int>(1));
int load() { return *shared.load(); }
void store(int value) { shared.store(std::make_shared<int>(value)); }
#endif

int main()
{
    std::thread other([] { store(2); });
    int seen = load();
    assert(seen == 1 || seen == 2);
    other.join();
}
