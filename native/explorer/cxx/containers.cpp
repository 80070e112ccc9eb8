/*
 * containers.cpp - what std::list, std::map and std::set have compiled in their library: here it is compiled with the
 * program's instrumentation, so that each access to a node is seen. The trees are red-black trees as in Cormen, Leiserson,
 * Rivest, Stein, Introduction to Algorithms, chapter 13; the layout and what each function is to do is libstdc++'s.
 */
#include <list>
#include <map>

namespace std {
namespace __detail {

void _List_node_base::_M_hook(_List_node_base *const before) noexcept
{
    _M_next = before;
    _M_prev = before->_M_prev;
    before->_M_prev->_M_next = this;
    before->_M_prev = this;
}

void _List_node_base::_M_unhook() noexcept
{
    _M_prev->_M_next = _M_next;
    _M_next->_M_prev = _M_prev;
}

/* Moves the nodes from `first` up to `last` in front of this one. */
void _List_node_base::_M_transfer(_List_node_base *const first, _List_node_base *const last) noexcept
{
    if (this == last || first == last) {
        return;
    }
    _List_node_base *const moved_last = last->_M_prev;
    first->_M_prev->_M_next = last;
    last->_M_prev = first->_M_prev;
    _M_prev->_M_next = first;
    first->_M_prev = _M_prev;
    moved_last->_M_next = this;
    _M_prev = moved_last;
}

void _List_node_base::_M_reverse() noexcept
{
    _List_node_base *node = this;
    do {
        _List_node_base *const next = node->_M_next;
        node->_M_next = node->_M_prev;
        node->_M_prev = next;
        node = next;
    } while (node != this);
}

void _List_node_base::swap(_List_node_base &one, _List_node_base &other) noexcept
{
    const bool one_is_empty = one._M_next == &one;
    const bool other_is_empty = other._M_next == &other;
    const _List_node_base before = one;
    one._M_next = other_is_empty ? &one : other._M_next;
    one._M_prev = other_is_empty ? &one : other._M_prev;
    other._M_next = one_is_empty ? &other : before._M_next;
    other._M_prev = one_is_empty ? &other : before._M_prev;
    one._M_next->_M_prev = one._M_prev->_M_next = &one;
    other._M_next->_M_prev = other._M_prev->_M_next = &other;
}

} // namespace __detail

using node = _Rb_tree_node_base;

/* The head of a tree is a red node whose parent is the root, and whose children are the first and the last node. */

node *_Rb_tree_increment(node *at) noexcept
{
    if (at->_M_right != nullptr) {
        return node::_S_minimum(at->_M_right);
    }
    node *above = at->_M_parent;
    while (at == above->_M_right) {
        at = above;
        above = above->_M_parent;
    }
    return at->_M_right != above ? above : at; /* at the head of a tree of one node: its root is its last node */
}

const node *_Rb_tree_increment(const node *at) noexcept
{
    return _Rb_tree_increment(const_cast<node *>(at));
}

node *_Rb_tree_decrement(node *at) noexcept
{
    if (at->_M_color == _S_red && at->_M_parent->_M_parent == at) {
        return at->_M_right; /* of the head: the last node */
    }
    if (at->_M_left != nullptr) {
        return node::_S_maximum(at->_M_left);
    }
    node *above = at->_M_parent;
    while (at == above->_M_left) {
        at = above;
        above = above->_M_parent;
    }
    return above;
}

const node *_Rb_tree_decrement(const node *at) noexcept
{
    return _Rb_tree_decrement(const_cast<node *>(at));
}

/* Puts `child`, which may be null, in the place of `at` below its parent. */
static void replace(node *at, node *child, node *&root)
{
    if (at == root) {
        root = child;
    } else if (at == at->_M_parent->_M_left) {
        at->_M_parent->_M_left = child;
    } else {
        at->_M_parent->_M_right = child;
    }
    if (child != nullptr) {
        child->_M_parent = at->_M_parent;
    }
}

/* Turns the tree below `at`: to the left if `to_left`, to the right otherwise. */
static void rotate(node *at, bool to_left, node *&root)
{
    node *const up = to_left ? at->_M_right : at->_M_left;
    node *const middle = to_left ? up->_M_left : up->_M_right;
    (to_left ? at->_M_right : at->_M_left) = middle;
    if (middle != nullptr) {
        middle->_M_parent = at;
    }
    replace(at, up, root);
    (to_left ? up->_M_left : up->_M_right) = at;
    at->_M_parent = up;
}

void _Rb_tree_insert_and_rebalance(const bool left, node *at, node *parent, node &head) noexcept
{
    node *&root = head._M_parent;
    at->_M_parent = parent;
    at->_M_left = nullptr;
    at->_M_right = nullptr;
    at->_M_color = _S_red;
    if (left) {
        parent->_M_left = at; /* which makes it the first if the parent is the head */
        if (parent == &head) {
            root = at;
            head._M_right = at;
        } else if (parent == head._M_left) {
            head._M_left = at;
        }
    } else {
        parent->_M_right = at;
        if (parent == head._M_right) {
            head._M_right = at;
        }
    }
    while (at != root && at->_M_parent->_M_color == _S_red) {
        node *const above = at->_M_parent->_M_parent;
        const bool on_left = at->_M_parent == above->_M_left;
        node *const uncle = on_left ? above->_M_right : above->_M_left;
        if (uncle != nullptr && uncle->_M_color == _S_red) {
            at->_M_parent->_M_color = _S_black;
            uncle->_M_color = _S_black;
            above->_M_color = _S_red;
            at = above;
            continue;
        }
        if (at == (on_left ? at->_M_parent->_M_right : at->_M_parent->_M_left)) {
            at = at->_M_parent;
            rotate(at, on_left, root);
        }
        at->_M_parent->_M_color = _S_black;
        above->_M_color = _S_red;
        rotate(above, !on_left, root);
    }
    root->_M_color = _S_black;
}

/* Below `parent`, `at` (which may be null) has one black node less above its leaves than its sibling. */
static void repair(node *at, node *parent, node *&root)
{
    while (at != root && (at == nullptr || at->_M_color == _S_black)) {
        const bool on_left = at == parent->_M_left;
        node *sibling = on_left ? parent->_M_right : parent->_M_left;
        if (sibling->_M_color == _S_red) {
            sibling->_M_color = _S_black;
            parent->_M_color = _S_red;
            rotate(parent, on_left, root);
            sibling = on_left ? parent->_M_right : parent->_M_left;
        }
        node *near = on_left ? sibling->_M_left : sibling->_M_right;
        node *far = on_left ? sibling->_M_right : sibling->_M_left;
        const bool near_is_black = near == nullptr || near->_M_color == _S_black;
        if (near_is_black && (far == nullptr || far->_M_color == _S_black)) {
            sibling->_M_color = _S_red;
            at = parent;
            parent = at->_M_parent;
            continue;
        }
        if (far == nullptr || far->_M_color == _S_black) {
            near->_M_color = _S_black;
            sibling->_M_color = _S_red;
            rotate(sibling, !on_left, root);
            sibling = on_left ? parent->_M_right : parent->_M_left;
            far = on_left ? sibling->_M_right : sibling->_M_left;
        }
        sibling->_M_color = parent->_M_color;
        parent->_M_color = _S_black;
        far->_M_color = _S_black;
        rotate(parent, on_left, root);
        break;
    }
    if (at != nullptr) {
        at->_M_color = _S_black;
    }
}

/* Takes a node out of its tree, and returns it. */
node *_Rb_tree_rebalance_for_erase(node *const out, node &head) noexcept
{
    node *&root = head._M_parent;
    if (head._M_left == out) {
        head._M_left = out->_M_right != nullptr ? node::_S_minimum(out->_M_right) : out->_M_parent;
    }
    if (head._M_right == out) {
        head._M_right = out->_M_left != nullptr ? node::_S_maximum(out->_M_left) : out->_M_parent;
    }
    _Rb_tree_color lost = out->_M_color;
    node *child = nullptr;
    node *parent = out->_M_parent;
    if (out->_M_left == nullptr || out->_M_right == nullptr) {
        child = out->_M_left != nullptr ? out->_M_left : out->_M_right;
        replace(out, child, root);
    } else { /* the next node takes its place */
        node *const next = node::_S_minimum(out->_M_right);
        lost = next->_M_color;
        child = next->_M_right;
        parent = next->_M_parent == out ? next : next->_M_parent;
        if (next->_M_parent != out) {
            replace(next, child, root);
            next->_M_right = out->_M_right;
            next->_M_right->_M_parent = next;
        }
        replace(out, next, root);
        next->_M_left = out->_M_left;
        next->_M_left->_M_parent = next;
        next->_M_color = out->_M_color;
    }
    if (lost == _S_black && root != nullptr) {
        repair(child, parent, root);
    }
    return out;
}

} // namespace std
