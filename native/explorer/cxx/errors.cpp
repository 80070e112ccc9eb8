/*
 * errors.cpp - exceptions with a message, and the end by one that nobody catches. Copies of std::logic_error and of
 * std::runtime_error share their message, which is counted: an atomic access. A message is as in libstdc++: its characters,
 * and before them its length, its room, and the number of its owners but one.
 */
#include <atomic>
#include <cstring>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <stdexcept>
#include <typeinfo>

extern "C" [[noreturn]] void explorer_terminate(const char *type, const char *what);

namespace {

struct message {
    std::size_t length;
    std::size_t room;
    std::atomic<int> more_owners;
};

char *make(const char *text, std::size_t length)
{
    auto *made = static_cast<message *>(::operator new(sizeof(message) + length + 1));
    new (made) message{length, length, 0};
    char *characters = reinterpret_cast<char *>(made + 1);
    std::memcpy(characters, text, length);
    characters[length] = 0;
    return characters;
}

message *before(const char *characters)
{
    return reinterpret_cast<message *>(const_cast<char *>(characters)) - 1;
}

/* The pointer to the characters is all that such an object has beside its table of virtual functions. */
const char *&characters_of(const std::exception *error)
{
    return reinterpret_cast<const char **>(const_cast<std::exception *>(error))[1];
}

void set(const std::exception *error, const char *text, std::size_t length)
{
    characters_of(error) = make(text, length);
}

void share(const std::exception *error, const std::exception *other)
{
    characters_of(error) = characters_of(other);
    before(characters_of(error))->more_owners.fetch_add(1, std::memory_order_acq_rel);
}

void leave(const std::exception *error)
{
    message *left = before(characters_of(error));
    if (left->more_owners.fetch_sub(1, std::memory_order_acq_rel) <= 0) {
        ::operator delete(left);
    }
}

} // namespace

namespace std {

/* What the class has for its message is set by hand. */
__cow_string::__cow_string() : _M_p(nullptr) {}
__cow_string::~__cow_string() {}
__cow_string::__cow_string(const __cow_string &) noexcept : _M_p(nullptr) {}
__cow_string &__cow_string::operator=(const __cow_string &) noexcept
{
    return *this;
}

#define MESSAGES(name)                                                                                                  \
    name::name(const string &text)                                                                                      \
    {                                                                                                                   \
        set(this, text.data(), text.size());                                                                            \
    }                                                                                                                   \
    name::name(const char *text)                                                                                        \
    {                                                                                                                   \
        set(this, text, strlen(text));                                                                                  \
    }                                                                                                                   \
    name::name(const name &other) noexcept : exception(other)                                                           \
    {                                                                                                                   \
        share(this, &other);                                                                                            \
    }                                                                                                                   \
    name::name(name &&other) noexcept : exception(other)                                                                \
    {                                                                                                                   \
        share(this, &other);                                                                                            \
    }                                                                                                                   \
    name &name::operator=(const name &other) noexcept                                                                   \
    {                                                                                                                   \
        if (this != &other) {                                                                                           \
            leave(this);                                                                                                \
            share(this, &other);                                                                                        \
        }                                                                                                               \
        return *this;                                                                                                   \
    }                                                                                                                   \
    name &name::operator=(name &&other) noexcept                                                                        \
    {                                                                                                                   \
        return *this = other;                                                                                           \
    }                                                                                                                   \
    name::~name() noexcept                                                                                                       \
    {                                                                                                                   \
        leave(this);                                                                                                    \
    }                                                                                                                   \
    const char *name::what() const noexcept                                                                             \
    {                                                                                                                   \
        return characters_of(this);                                                                                     \
    }

MESSAGES(logic_error)
MESSAGES(runtime_error)

} // namespace std

namespace __gnu_cxx {

/* What std::terminate() calls if the program sets no handler of its own. */
void __verbose_terminate_handler()
{
    const std::type_info *type = abi::__cxa_current_exception_type();
    if (type == nullptr) {
        explorer_terminate(nullptr, nullptr);
    }
    int status = 0;
    const char *name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
    const char *shown = status == 0 ? name : type->name();
    try {
        throw;
    } catch (const std::exception &error) {
        explorer_terminate(shown, error.what());
    } catch (...) {
        explorer_terminate(shown, nullptr);
    }
}

} // namespace __gnu_cxx
