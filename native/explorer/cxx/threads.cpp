/*
 * threads.cpp - members of std::thread and std::condition_variable, with the accesses that they make to their objects; and
 * what notifies threads that wait for an atomic.
 */
#include <condition_variable>
#include <system_error>
#include <thread>

namespace std {

void thread::join()
{
    const int error = joinable() ? __gthread_join(_M_id._M_thread, nullptr) : EINVAL;
    if (error != 0) {
        __throw_system_error(error);
    }
    _M_id = id();
}

void thread::detach()
{
    const int error = joinable() ? __gthread_detach(_M_id._M_thread) : EINVAL;
    if (error != 0) {
        __throw_system_error(error);
    }
    _M_id = id();
}

condition_variable::condition_variable() noexcept = default;
condition_variable::~condition_variable() noexcept = default;

void condition_variable::wait(unique_lock<mutex> &lock)
{
    _M_cond.wait(*lock.mutex());
}

void condition_variable::notify_one() noexcept
{
    _M_cond.notify_one();
}

void condition_variable::notify_all() noexcept
{
    _M_cond.notify_all();
}

} // namespace std

/*
 * std::__detail::__waiter_pool_base::_M_waiting(), which the headers define and this definition replaces: whether a
 * notification has to wake anybody. libstdc++ looks at a count of the waiting threads; by C++20's memory model it may miss one
 * that has just gone to sleep, unless the atomic was changed by a seq_cst operation. The standard wants each such thread to be
 * woken, and that is what is explored: the notification is made in any case.
 */
extern "C" bool _ZNKSt8__detail18__waiter_pool_base10_M_waitingEv(const void *pool)
{
    return pool != nullptr;
}
