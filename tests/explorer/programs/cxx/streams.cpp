/* Streams: the standard ones may be used by all threads, others need a lock. */
#include <cassert>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

std::ostringstream shared;
std::mutex lock;

int main()
{
#ifdef STANDARD
    std::thread other([] { std::cout << "a number: " << 42 << ' ' << 1.5 << std::endl; });
    std::cout << std::hex << std::setw(4) << 255 << '\n';
    std::cerr << std::string("text") << true << nullptr << '\n';
    std::clog << &lock << std::flush;
    other.join();
#elif defined SHARED
    auto say = [] {
#  ifndef NO_LOCK
        std::lock_guard<std::mutex> guard(lock);
#  endif
        shared << SHARED;
    };
    std::thread other(say);
    say();
    other.join();
    assert(!shared.str().empty());
#elif defined UNWRITTEN
    std::thread other([] {});
    char *text = new char[4];
    text[0] = 'a';
    std::cout.write(text, 4);
    delete[] text;
    other.join();
#elif defined READS
    std::thread other([] {});
    int number = 0;
    std::cin >> number;
    other.join();
#else
    std::thread other([] {
        std::istringstream words("12 word\nline");
        int number = 0;
        std::string word, line;
        words >> number >> word >> std::ws;
        std::getline(words, line);
        assert(number == 12 && word == "word" && line == "line");
    });
    std::ostringstream made;
    made << 12 << " is " << std::hex << 12 << ", " << 2.5 << std::setw(3) << 'x';
    assert(made.str() == "12 is c, 2.5  x");
    assert(std::to_string(1.5) == "1.500000" && std::stoi("12") == 12);
    other.join();
#endif
}
