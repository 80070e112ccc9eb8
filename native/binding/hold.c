/*
 * What Python holds of the core, as two types that the collector of cycles does not know.
 *
 * cffi's own garbage-collected pointers are finalized in any order when a cycle is collected, an allocator before its
 * pointers, and before the finalizers of objects that still use them. An object of these types is seen by the collector
 * as held from outside, and so lives until the last reference is gone, whatever the order.
 *
 *   Owner  an allocator, ring, writer or reader; frees it at its end, and keeps its parent alive until then.
 *   Pin    one reference to a payload, or a loan; gives it back at its end. Its buffer is the payload, so that a view
 *          keeps the pin, and the pin counts the views.
 *
 * All of it runs under the GIL, so that a call takes a pin apart or finds it taken apart, and nothing in between.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <string.h>
#include <structmember.h>

#include "calls.c"

/* The stable ABI passes functions as `void *`, which ISO C leaves to the platform; every platform of CPython has it. */
#if defined(__GNUC__)
#  define ABI_FUNCTION __extension__
#else
#  define ABI_FUNCTION
#endif

typedef struct owner {
    PyObject_HEAD
    void *object;
    void (*end)(void *object);
    PyObject *parent; /* an owner, or NULL */
} owner;

typedef struct pin {
    PyObject_HEAD
    PyObject *owner;
    rr_allocator *allocator;
    uint8_t *payload; /* NULL once the reference was given away */
    Py_ssize_t length;
    Py_ssize_t views; /* buffers lent and not given back */
    int loan;
} pin;

static PyTypeObject *owner_type;
static PyTypeObject *pin_type;

static void object_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = ABI_FUNCTION(freefunc) PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyObject *object_new(PyTypeObject *type)
{
    allocfunc allocate = ABI_FUNCTION(allocfunc) PyType_GetSlot(type, Py_tp_alloc);
    return allocate(type, 0);
}

/* ------------------------------------------------------------------------------------------------------------ owners */

static void allocator_end(void *object)
{
    rrb_allocator_free(object);
}

static void ring_end(void *object)
{
    rrb_ring_free(object);
}

static void writer_end(void *object)
{
    rrb_writer_free(object);
}

static void reader_end(void *object)
{
    rrb_reader_free(object);
}

static void owner_dealloc(PyObject *self)
{
    owner *held = (owner *)self;
    if (held->object != NULL)
        held->end(held->object);
    Py_XDECREF(held->parent);
    object_free(self);
}

static owner *owner_new(void (*end)(void *), PyObject *parent)
{
    owner *held = (owner *)object_new(owner_type);
    if (held == NULL)
        return NULL;
    held->object = NULL;
    held->end = end;
    held->parent = parent == Py_None ? NULL : parent;
    Py_XINCREF(held->parent);
    return held;
}

/* The owner of what was opened, or the status where nothing was. Owners are made before what they own: a signal's handler
 * that raises between two calls then finds nothing that nobody owns. */
static PyObject *owner_of(owner *held, void *object, int status)
{
    held->object = object;
    if (object != NULL)
        return (PyObject *)held;
    Py_DECREF(held);
    return PyLong_FromLong(status);
}

/* open_writer(ring) */
static PyObject *open_writer(PyObject *module, PyObject *ring)
{
    int status = 0;
    (void)module;
    owner *held = owner_new(writer_end, ring);
    if (held == NULL)
        return NULL;
    void *writer = rrb_writer_open(((owner *)ring)->object, &status);
    return owner_of(held, writer, status);
}

/* join_reader(ring, at, cursor) */
static PyObject *join_reader(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    int status = 0;
    (void)module;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "join_reader takes 3 arguments");
    long at = PyLong_AsLong(arguments[1]);
    unsigned long long cursor = PyLong_AsUnsignedLongLong(arguments[2]);
    if (PyErr_Occurred())
        return NULL;
    owner *held = owner_new(reader_end, arguments[0]);
    if (held == NULL)
        return NULL;
    void *reader = rrb_reader_join(((owner *)arguments[0])->object, (int)at, cursor, &status);
    return owner_of(held, reader, status);
}

static PyObject *owner_address(PyObject *self, PyObject *none)
{
    (void)none;
    return PyLong_FromVoidPtr(((owner *)self)->object);
}

/* own(kind, address, parent) */
static PyObject *own(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    static void (*const ends[])(void *) = {allocator_end, ring_end};
    (void)module;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "own takes 3 arguments");
    size_t kind = PyLong_AsSize_t(arguments[0]);
    void *object = PyLong_AsVoidPtr(arguments[1]);
    if (PyErr_Occurred())
        return NULL;
    if (kind >= sizeof ends / sizeof *ends || object == NULL)
        return PyErr_Format(PyExc_ValueError, "own takes a kind, 0 or 1, and an address");
    owner *held = owner_new(ends[kind], arguments[2]);
    return held == NULL ? NULL : owner_of(held, object, 0);
}

static PyMethodDef owner_methods[] = {
    {"address", owner_address, METH_NOARGS, "Where the object is."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot owner_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) owner_dealloc},
    {Py_tp_methods, owner_methods},
    {Py_tp_doc, "Frees an allocator, ring, writer or reader at its end."},
    {0, NULL},
};
static PyType_Spec owner_spec = {
    .name = "rusted_ring.native._hold.Owner",
    .basicsize = sizeof(owner),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = owner_slots,
};

/* -------------------------------------------------------------------------------------------------------------- pins */

static PyObject *pin_new(PyObject *of, uint8_t *payload, Py_ssize_t length, int loan)
{
    pin *held = PyObject_New(pin, pin_type);
    if (held == NULL)
        return NULL;
    Py_XINCREF(of);
    held->owner = of;
    held->allocator = of == NULL ? NULL : ((owner *)of)->object;
    held->payload = payload;
    held->length = length;
    held->views = 0;
    held->loan = loan;
    return (PyObject *)held;
}

static void pin_dealloc(PyObject *self)
{
    pin *held = (pin *)self;
    if (held->payload != NULL) {
        if (held->loan)
            rr_abort(held->allocator, held->payload);
        else
            rr_release_payload(held->allocator, held->payload);
    }
    Py_XDECREF(held->owner);
    PyObject_Free(self);
    Py_DECREF((PyObject *)pin_type);
}

static int pin_lend(PyObject *self, Py_buffer *view, int flags)
{
    pin *held = (pin *)self;
    if (held->payload == NULL) {
        view->obj = NULL;
        PyErr_SetString(PyExc_BufferError, "the reference was given away");
        return -1;
    }
    if (PyBuffer_FillInfo(view, self, held->payload, held->length, !held->loan, flags) < 0)
        return -1;
    held->views++;
    return 0;
}

static void pin_return(PyObject *self, Py_buffer *view)
{
    (void)view;
    ((pin *)self)->views--;
}

/* The payload, or NULL with None as the answer. */
#define PAYLOAD_OR_NONE(self)              \
    if (((pin *)(self))->payload == NULL)  \
        Py_RETURN_NONE

static PyObject *pin_length(PyObject *self, PyObject *none)
{
    (void)none;
    PAYLOAD_OR_NONE(self);
    return PyLong_FromSsize_t(((pin *)self)->length);
}

static PyObject *pin_token(PyObject *self, PyObject *none)
{
    (void)none;
    PAYLOAD_OR_NONE(self);
    return PyLong_FromUnsignedLongLong(rr_payload_token(((pin *)self)->allocator, ((pin *)self)->payload));
}

/* The token, or 0 where a view is alive. */
static PyObject *pin_into_token(PyObject *self, PyObject *none)
{
    (void)none;
    PAYLOAD_OR_NONE(self);
    pin *held = (pin *)self;
    if (held->views != 0)
        return PyLong_FromLong(0);
    PyObject *token = pin_token(self, NULL);
    if (token != NULL) {
        uint8_t *payload = held->payload;
        held->payload = NULL;
        (void)rr_into_token(held->allocator, payload);
    }
    return token;
}

/* A pin of the event, or False where a view is alive. */
static PyObject *pin_commit(PyObject *self, PyObject *length)
{
    PAYLOAD_OR_NONE(self);
    pin *held = (pin *)self;
    Py_ssize_t kept = PyLong_AsSsize_t(length);
    if (kept == -1 && PyErr_Occurred())
        return NULL;
    if (held->views != 0)
        Py_RETURN_FALSE;
    pin *made = (pin *)pin_new(held->owner, NULL, kept, 0);
    if (made == NULL)
        return NULL;
    /* Taken out first: an XXL loan that is cut short is copied without the GIL. */
    uint8_t *loan = held->payload;
    held->payload = NULL;
    const uint8_t *payload;
    rr_status status = RR_OK;
    if (kept > RRB_LONG_BYTES) {
        Py_BEGIN_ALLOW_THREADS
        payload = rr_commit(held->allocator, loan, (uint64_t)kept, &status);
        Py_END_ALLOW_THREADS
    } else {
        payload = rr_commit(held->allocator, loan, (uint64_t)kept, &status);
    }
    if (payload == NULL) {
        held->payload = loan;
        Py_DECREF(made);
        if (status == RR_NO_MEMORY)
            return PyErr_NoMemory();
        return PyErr_Format(PyExc_ValueError, "length is %zd: %s", kept, rr_status_text(status));
    }
    made->payload = (uint8_t *)(uintptr_t)payload;
    return (PyObject *)made;
}

/* True, or False where a view is alive. */
static PyObject *pin_abort(PyObject *self, PyObject *none)
{
    (void)none;
    PAYLOAD_OR_NONE(self);
    pin *held = (pin *)self;
    if (held->views != 0)
        Py_RETURN_FALSE;
    uint8_t *loan = held->payload;
    held->payload = NULL;
    rr_abort(held->allocator, loan);
    Py_RETURN_TRUE;
}

/* make(owner, address, loan): the pin of a reference or loan that a call returned. */
static PyObject *make(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    if (count != 3 || Py_TYPE(arguments[0]) != owner_type)
        return PyErr_Format(PyExc_TypeError, "make takes an owner and 2 numbers");
    uint8_t *payload = PyLong_AsVoidPtr(arguments[1]);
    long loan = PyLong_AsLong(arguments[2]);
    if (PyErr_Occurred())
        return NULL;
    PyObject *made = pin_new(arguments[0], payload, (Py_ssize_t)rr_payload_length(payload), loan != 0);
    if (made == NULL) {
        rr_allocator *allocator = ((owner *)arguments[0])->object;
        if (loan)
            rr_abort(allocator, payload);
        else
            rr_release_payload(allocator, payload);
    }
    return made;
}

static PyMethodDef pin_methods[] = {
    {"length", pin_length, METH_NOARGS, "Bytes of the payload."},
    {"token", pin_token, METH_NOARGS, "The token of the slot."},
    {"into_token", pin_into_token, METH_NOARGS, "The token of the reference, now loose; 0 where a view is alive."},
    {"commit", pin_commit, METH_O, "The pin of the event; False where a view is alive."},
    {"abort", pin_abort, METH_NOARGS, "True; False where a view is alive."},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot pin_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) pin_dealloc},
    {Py_tp_methods, pin_methods},
    {Py_bf_getbuffer, ABI_FUNCTION(void *) pin_lend},
    {Py_bf_releasebuffer, ABI_FUNCTION(void *) pin_return},
    {Py_tp_doc, "One reference to a payload, or a loan. Methods answer None once it was given away."},
    {0, NULL},
};
static PyType_Spec pin_spec = {
    .name = "rusted_ring.native._hold.Pin",
    .basicsize = sizeof(pin),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = pin_slots,
};

#include "methods.c"

/* ------------------------------------------------------------------------------------------------------------ module */

static PyMethodDef functions[] = {
    {"own", FASTCALL(own), METH_FASTCALL, "own(kind, address, parent): the owner of an object."},
    {"open_writer", open_writer, METH_O, "open_writer(ring): the owner of a writer, or the status."},
    {"join_reader", FASTCALL(join_reader), METH_FASTCALL,
     "join_reader(ring, at, cursor): the owner of a reader, or the status."},
    {"make", FASTCALL(make), METH_FASTCALL, "make(owner, address, loan): a pin."},
    {"meet", FASTCALL(meet), METH_FASTCALL, "meet(RingPtr, Reader, PooledEvent, EventBatch): what is made here."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_hold", .m_doc = "Owners and pins.", .m_size = -1, .m_methods = functions,
};

PyMODINIT_FUNC PyInit__hold(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    owner_type = add_type(module, &owner_spec, NULL);
    pin_type = add_type(module, &pin_spec, NULL);
    ended_pin = pin_type == NULL ? NULL : pin_new(NULL, NULL, 0, 0);
    if (owner_type == NULL || ended_pin == NULL || PyModule_AddObjectRef(module, "ENDED", ended_pin) < 0
        || add_methods(module) < 0)
        Py_CLEAR(module);
    return module;
}
