/* The containers of nodes do what they should: many insertions, removals and walks, against a sorted vector. */
#include <algorithm>
#include <cassert>
#include <list>
#include <map>
#include <set>
#include <thread>
#include <vector>

int main()
{
    std::thread other([] {});
    other.join();
    std::set<int> tree;
    std::vector<int> sorted;
    unsigned state = 1;
    for (int turn = 0; turn < 400; ++turn) {
        state = state * 1103515245 + 12345;
        int value = static_cast<int>(state >> 16) % 64;
        auto at = std::lower_bound(sorted.begin(), sorted.end(), value);
        bool there = at != sorted.end() && *at == value;
        if (there && (turn % 3 != 0 || sorted.size() > 40)) {
            sorted.erase(at);
            assert(tree.erase(value) == 1);
        } else {
            assert(tree.insert(value).second == !there);
            if (!there) {
                sorted.insert(at, value);
            }
        }
        assert(tree.size() == sorted.size());
        assert(std::equal(tree.begin(), tree.end(), sorted.begin(), sorted.end()));
        assert(std::equal(tree.rbegin(), tree.rend(), sorted.rbegin(), sorted.rend()));
    }
    std::list<int> one{3, 1, 2}, two{6, 5, 4}, none;
    one.sort();
    two.reverse();
    one.splice(one.end(), two);
    assert((one == std::list<int>{1, 2, 3, 4, 5, 6}) && two.empty());
    one.swap(none);
    assert(one.empty() && none.size() == 6);
    none.remove_if([](int value) { return value % 2 == 0; });
    one.merge(none);
    assert((one == std::list<int>{1, 3, 5}));
    std::map<int, int> moved{{1, 1}}, taken = std::move(moved);
    taken.swap(moved);
    assert(moved.size() == 1 && taken.empty());
}
