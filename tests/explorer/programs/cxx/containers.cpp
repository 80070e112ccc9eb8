/* Containers that two threads use, with a lock and without. */
#include <cassert>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

std::mutex lock;
#ifdef NO_LOCK
#  define LOCKED
#else
#  define LOCKED std::lock_guard<std::mutex> guard(lock)
#endif

#ifdef MAP
std::map<int, int> all{{1, 1}, {2, 2}, {3, 3}};
void add() { LOCKED; all[4] = 4; }
void look() { LOCKED; int sum = 0; for (auto &each : all) sum += each.second; assert(sum == 6 || sum == 10); }
#elif defined SET
std::set<std::string> all{"one", "two", "three"};
void add() { LOCKED; all.erase("two"); }
void look() { LOCKED; assert(all.count("one") == 1 && all.size() >= 2); }
#elif defined LIST
std::list<int> all{3, 1, 2};
void add() { LOCKED; all.push_front(4); }
void look() { LOCKED; for (int each : all) assert(each > 0); }
#elif defined HASH
std::unordered_map<std::string, int> all{{"one", 1}, {"two", 2}};
void add() { LOCKED; all["three"] = 3; }
void look() { LOCKED; assert(all.at("one") == 1); }
#elif defined STRING
std::string all = "one";
void add() { LOCKED; all += ", two, three, four, five, six"; }
void look() { LOCKED; assert(all.find("one") == 0); }
#elif defined DEQUE
std::deque<int> all{1, 2};
void add() { LOCKED; all.push_back(3); }
void look() { LOCKED; assert(all.front() == 1 && all.size() >= 2); }
#else
std::vector<int> all{1, 2};
void add() { LOCKED; all.push_back(3); }
void look() { LOCKED; for (int each : all) assert(each > 0); }
#endif

int main()
{
#ifdef READERS
    std::thread one(look);
    look();
#else
    std::thread one(add);
    look();
#endif
    one.join();
}
