/* What the explorer does not follow. */
#include <condition_variable>
#include <exception>
#include <fstream>
#include <future>
#include <locale>
#include <pthread.h>
#include <random>
#include <sstream>
#include <thread>

int main()
{
    std::thread other([] {});
    other.join();
#ifdef A_FILE
    std::ofstream file("/tmp/file");
    file << 1;
#elif defined LOCALE
    std::locale one(std::locale::classic(), new std::numpunct<char>); /* its parts are counted */
    std::locale two(one);
#elif defined AT_EXIT
    std::promise<int> promise;
    auto future = promise.get_future();
    std::thread([&] { promise.set_value_at_thread_exit(1); }).join();
#elif defined ASSEMBLY
    int value = 0;
    asm volatile("lock incl %0" : "+m"(value));
#elif defined RANDOM
    return static_cast<int>(std::random_device()());
#elif defined THREAD_EXIT
    std::thread([] { pthread_exit(nullptr); }).join(); /* would run the destructors of the thread's frames */
#endif
}
