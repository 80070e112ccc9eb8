/* The order in which the box is said to be full comes from the database of the project. */
#include "box.hpp"

void Box::put(int value)
{
    value_ = value;
    full_.store(true, PUBLISH);
}

bool Box::take(int &value)
{
    if (!full_.load(std::memory_order_acquire)) {
        return false;
    }
    value = value_;
    return true;
}
