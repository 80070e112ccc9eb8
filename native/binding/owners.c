/* Owners, and the base of the objects that use one. */
#include <errno.h>

#include "binding.h"

#if defined(_WIN32)
#  include <windows.h>
#else
#  include <sched.h>
#endif

#define FIRST_SLEEP INT64_C(1000000) /* nanoseconds */
#define LONGEST_SLEEP INT64_C(500000000)

void object_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = ABI_FUNCTION(freefunc) PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static void yield_processor(void)
{
#if defined(_WIN32)
    (void)SwitchToThread();
#else
    (void)sched_yield();
#endif
}

/* ------------------------------------------------------------------------------------------------------------ owners */

owner *owner_new(state *state, void (*end)(void *), owner *parent)
{
    owner *held = PyObject_New(owner, state->owner_type);
    if (held == NULL)
        return NULL;
    held->state = state;
    held->object = NULL;
    held->end = end;
    held->parent = (owner *)Py_XNewRef((PyObject *)parent);
    held->forks = forks_now();
    held->lent = NULL;
    held->busy = 0;
    held->attempts = 0;
    return held;
}

/* A forked child frees nothing: another thread of the parent may have been in the middle of a call at the fork, and the pages are
 * shared with the parent until one of them writes to them. */
static void owner_dealloc(PyObject *self)
{
    owner *held = (owner *)self;
    if (held->object != NULL && held->forks == forks_now())
        held->end(held->object);
    Py_XDECREF((PyObject *)held->parent);
    object_free(self);
}

static PyType_Slot owner_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) owner_dealloc},
    {Py_tp_doc, "Frees an allocator, ring, writer or reader at its end."},
    {0, NULL},
};
PyType_Spec owner_spec = {
    .name = "rusted_ring.native._core.Owner",
    .basicsize = sizeof(owner),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = owner_slots,
};

/* ------------------------------------------------------------------------------------------- objects that use an owner */

void owned_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF((PyObject *)((owned *)self)->owner);
    Py_XDECREF(((owned *)self)->more);
    object_free(self);
}

int owned_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((owned *)self)->more);
    return 0;
}

int owned_clear(PyObject *self)
{
    Py_CLEAR(((owned *)self)->more);
    return 0;
}

int owned_unmade(PyObject *self)
{
    if (((owned *)self)->owner == NULL)
        return 0;
    PyObject *name = PyType_GetName(Py_TYPE(self));
    if (name != NULL)
        PyErr_Format(PyExc_TypeError,
                     "self is a %U that is initialized already: __init__ cannot run again; call %U(...) for another", name,
                     name);
    Py_XDECREF(name);
    return -1;
}

int owned_become(PyObject *self, owner *held, PyObject *more)
{
    owned *made = (owned *)self;
    /* [GIL] nothing else runs between the check and the store. */
    if (made->owner != NULL) {
        Py_DECREF((PyObject *)held);
        return owned_unmade(self);
    }
    made->owner = held;
    PyObject *before = made->more;
    made->more = Py_XNewRef(more);
    Py_XDECREF(before);
    return 0;
}

owner *owned_made(PyObject *self)
{
    owner *held = ((owned *)self)->owner;
    if (held == NULL)
        PyErr_SetString(PyExc_AttributeError,
                        "self is not initialized: __init__ was not called, or failed; call the class to make an object");
    return held;
}

void *refuse_fork(PyObject *self, const state *state, const char *use)
{
    PyObject *name = PyType_GetName(Py_TYPE(self));
    PyObject *kind = state->forked_copy == NULL ? PyExc_RuntimeError : (PyObject *)state->forked_copy;
    if (name != NULL)
        PyErr_Format(kind,
                     "%U was made before the process was forked: the child called %s on its copy, which shares nothing with "
                     "the parent's; make another one after the fork",
                     name, use);
    Py_XDECREF(name);
    return NULL;
}

owner *owned_refuse(PyObject *self, const char *use)
{
    owner *held = owned_made(self);
    return held == NULL ? NULL : refuse_fork(self, held->state, use);
}

owner *owned_argument(PyObject *value, PyTypeObject *type, const char *name)
{
    /* Checked by its type, since an object can set its `__class__`. */
    if (!PyObject_TypeCheck(value, type)) {
        PyErr_Format(PyExc_TypeError, "%s is a %R: not an instance of %R; pass an instance", name, Py_TYPE(value), type);
        return NULL;
    }
    return owned_use(value, name);
}

PyObject *owned_address(PyObject *self, PyObject *use)
{
    const char *name = PyUnicode_AsUTF8AndSize(use, NULL);
    owner *held = name == NULL ? NULL : owned_use(self, name);
    return held == NULL ? NULL : PyLong_FromVoidPtr(held->object);
}

PyObject *owned_check(PyObject *self, PyObject *use)
{
    const char *name = PyUnicode_AsUTF8AndSize(use, NULL);
    if (name == NULL || owned_use(self, name) == NULL)
        return NULL;
    Py_RETURN_NONE;
}

int owner_wait_ready(PyObject *self, owner *held, const char *use)
{
    for (;;) {
        if (held->forks != forks_now()) {
            (void)refuse_fork(self, held->state, use);
            return -1;
        }
        if (!held->busy)
            return 0;
        Py_BEGIN_ALLOW_THREADS
        yield_processor();
        Py_END_ALLOW_THREADS
        if (PyErr_CheckSignals() < 0)
            return -1;
    }
}

int owner_close(PyObject *self, owner *held)
{
    if (held->forks != forks_now()) {
        held->object = NULL; /* the parent's memory is left alone */
        return 0;
    }
    return owner_ready(self, held, "close") < 0 ? -1 : 1;
}

PyObject *descriptor_found(PyObject *self, int found)
{
    return found >= 0 ? PyLong_FromLong(found) : refuse(self, "_refuse_descriptor", Py_BuildValue("(ii)", -found, errno));
}

int owner_sleep(PyObject *self, owner *held, int64_t until, const char *use, core_sleep sleep, uint64_t sequence)
{
    for (int64_t longest = FIRST_SLEEP;; longest = longest < LONGEST_SLEEP / 2 ? longest * 2 : LONGEST_SLEEP) {
        if (owner_ready(self, held, use) < 0)
            return -1;
        int64_t left = until == FOREVER ? longest : until - clock_now();
        if (left <= 0)
            return 0;
        rr_status status;
        Py_BEGIN_ALLOW_THREADS
        status = sleep(held->object, sequence, left < longest ? left : longest);
        Py_END_ALLOW_THREADS
        if (PyErr_CheckSignals() < 0)
            return -1;
        if (status != RR_EMPTY)
            return 1;
    }
}
