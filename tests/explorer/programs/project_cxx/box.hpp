/* box.hpp - a box for one value, shared by a file in C++ and one in C. */
#ifndef BOX_HPP
#define BOX_HPP

#include <atomic>

class Box {
  public:
    void put(int value);
    bool take(int &value);

  private:
    int value_ = 0;
    std::atomic<bool> full_{false};
};

#endif
