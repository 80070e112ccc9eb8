/* new and delete in their forms, and what goes wrong with them. */
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

struct base {
    virtual ~base() {}
    int value = 1;
};
struct derived : base {
    std::string text = "a text that is too long to lie in the object itself";
};
struct plain {
    int value[4];
};
struct alignas(64) wide {
    int value = 0;
};

int *shared;

int main()
{
    std::thread other([] {});
#ifdef DOUBLE
    int *one = new int(1);
    delete one;
    delete one;
#elif defined AFTER
    auto *text = new std::string("a text that is too long to lie in the object itself");
    const char &first = (*text)[0];
    delete text;
    if (first == 'a') {
        std::abort();
    }
#elif defined LEAK
    new derived;
#elif defined ARRAY
    delete new int[2];
#elif defined MALLOC
    std::free(new plain);
#elif defined NEW
    delete static_cast<plain *>(std::malloc(sizeof(plain)));
#elif defined SIZE
    struct small { int value; };
    struct large : small { long more[4]; };
    small *one = new large;
    delete one; /* without a virtual destructor */
#elif defined ALIGNMENT
    ::operator delete(::operator new(64, std::align_val_t(64)));
#elif defined BEYOND
    int *many = new int[4]{};
    many[4] = 1;
    delete[] many;
#elif defined UNWRITTEN
    int *one = new int;
    if (*one == 5) {
        std::abort();
    }
    delete one;
#elif defined INVALIDATED
    std::vector<int> many{1, 2, 3};
    int &first = many.front();
    many.push_back(4);
    first = 5;
#elif defined INDEX
    std::vector<int> many{1, 2, 3};
    volatile std::size_t at = 3;
    many[at] = 4;
#elif defined TOO_LARGE
    try {
        std::vector<char> many(std::size_t(3) << 30);
        std::abort();
    } catch (const std::bad_alloc &) {
    }
#else
    delete new int;
    delete[] new int[3];
    delete new (std::nothrow) int;
    delete[] new (std::nothrow) int[3];
    delete new wide;
    delete[] new wide[2];
    delete new (std::nothrow) wide;
    base *one = new derived;
    delete one;
    ::operator delete(::operator new(8));
    ::operator delete[](::operator new[](8));
    ::operator delete(::operator new(64, std::align_val_t(64)), std::align_val_t(64));
#ifdef __cpp_sized_deallocation
    ::operator delete(::operator new(8), std::size_t(8));
    ::operator delete(::operator new(64, std::align_val_t(64)), std::size_t(64), std::align_val_t(64));
#endif
    ::operator delete(::operator new(8, std::nothrow), std::nothrow);
    int *none = nullptr;
    delete none;
    std::allocator<int> allocator;
    allocator.deallocate(allocator.allocate(3), 3);
    auto owned = std::make_unique<int[]>(4);
    std::vector<std::string> many(3, "a text that is too long to lie in the object itself");
    many.emplace_back("one more");
#endif
    other.join();
}
