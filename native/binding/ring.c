/* RingBuffer: a ring's storage, and its properties. */
#include "binding.h"

/* Every writer and reader keeps the ring's owner alive, so none is left. */
static void ring_end(void *object)
{
    (void)rr_ring_destroy(object);
}

/* _make(size, capacity, gated, max_readers, max_ring_bytes, wait_for_readers): a status. */
static PyObject *ring_make(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    uint64_t numbers[6];
    if (count != 6)
        return PyErr_Format(PyExc_TypeError, "_make takes 6 numbers");
    for (Py_ssize_t i = 0; i < 6; i++)
        if (!take_u64(arguments[i], &numbers[i]))
            return PyErr_Format(PyExc_TypeError, "_make takes 6 numbers of 64 bits");
    state *state = owned_unmade(self) < 0 ? NULL : state_of_type(Py_TYPE(self));
    owner *held = state == NULL ? NULL : owner_new(state, ring_end, NULL);
    if (held == NULL)
        return NULL;
    rr_status status = RR_OK;
    Py_BEGIN_ALLOW_THREADS
    held->object = rr_ring_create(numbers[0], numbers[1], numbers[2] ? RR_GATED : RR_OVERWRITE, (uint32_t)numbers[3],
                                  numbers[4], &status);
    Py_END_ALLOW_THREADS
    if (held->object == NULL) {
        Py_DECREF((PyObject *)held);
        return PyLong_FromLong(status);
    }
    if (numbers[5] != 0)
        status = rr_ring_wait_for_readers(held->object, (uint32_t)numbers[5]);
    return owned_become(self, held, NULL) < 0 ? NULL : PyLong_FromLong(status);
}

/* A number that a property returns. */
typedef struct figure {
    const char *name;
    uint64_t (*wide)(const rr_ring *ring);
    uint32_t (*narrow)(const rr_ring *ring);
    int lasting; /* it never changes, so that a forked child may read it */
} figure;

static PyObject *ring_get(PyObject *self, void *closure)
{
    const figure *asked = closure;
    owner *held = asked->lasting ? owned_made(self) : owned_use(self, asked->name);
    if (held == NULL)
        return NULL;
    return PyLong_FromUnsignedLongLong(asked->wide != NULL ? asked->wide(held->object) : asked->narrow(held->object));
}

static PyObject *ring_get_mode(PyObject *self, void *unused)
{
    (void)unused;
    owner *held = owned_made(self);
    return held == NULL ? NULL
                        : PyUnicode_FromString(rr_ring_get_mode(held->object) == RR_GATED ? "gated" : "overwrite");
}

/* A bool that a property returns. */
typedef struct question {
    const char *name;
    int (*holds)(const rr_ring *ring);
} question;

static PyObject *ring_ask(PyObject *self, void *closure)
{
    const question *asked = closure;
    owner *held = owned_use(self, asked->name);
    return held == NULL ? NULL : PyBool_FromLong(asked->holds(held->object));
}

static question has_writer = {"has_writer", rr_ring_has_writer};
static question ended = {"ended", rr_ring_ended};

static figure size = {"size", NULL, rr_ring_size, 1};
static figure capacity = {"capacity", NULL, rr_ring_capacity, 1};
static figure max_readers = {"max_readers", NULL, rr_ring_max_readers, 1};
static figure write_cursor = {"write_cursor", rr_ring_write_cursor, NULL, 0};
static figure retained = {"retained", rr_ring_retained, NULL, 0};
static figure readers = {"readers", NULL, rr_ring_readers, 0};
static figure readers_awaited = {"readers_awaited", NULL, rr_ring_readers_awaited, 0};
static figure memory_usage = {"memory_usage", rr_ring_memory_usage, NULL, 1};

static PyObject *ring_memory_usage(PyObject *self, PyObject *none)
{
    (void)none;
    return ring_get(self, &memory_usage);
}

static PyGetSetDef ring_getset[] = {
    {"size", ring_get, NULL, "The longest payload in bytes [RING-9].", &size},
    {"capacity", ring_get, NULL, "The number of slots [RING-2].", &capacity},
    {"mode", ring_get_mode, NULL, "`\"overwrite\"` or `\"gated\"` [RING-29].", NULL},
    {"max_readers", ring_get, NULL, "The most readers that can be registered at once, 0 in an overwriting ring [RING-21].",
     &max_readers},
    {"write_cursor", ring_get, NULL, "The number of events published [RING-1].", &write_cursor},
    {"retained", ring_get, NULL, "The number of events that a reader joining at the oldest would find [RING-30].", &retained},
    {"has_writer", ring_ask, NULL, "Whether the ring has a writer now [RING-4].", &has_writer},
    {"ended", ring_ask, NULL, "Whether a writer has ended the stream: no event will follow [RING-39].", &ended},
    {"readers", ring_get, NULL, "The number of readers registered now, 0 in an overwriting ring [RING-21].", &readers},
    {"readers_awaited", ring_get, NULL,
     "The number of readers that must join before an event is overwritten, 0 in an overwriting ring [RING-45].",
     &readers_awaited},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMethodDef ring_methods[] = {
    {"_make", FASTCALL(ring_make), METH_FASTCALL,
     "_make(size, capacity, gated, max_readers, max_ring_bytes, wait_for_readers): a status."},
    {"memory_usage", ring_memory_usage, METH_NOARGS,
     DOC("memory_usage($self, /)", "Return the bytes of the ring's storage [LAYOUT-6].")},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot ring_slots[] = {
    OWNED_SLOTS,
    {Py_tp_methods, ring_methods},
    {Py_tp_getset, ring_getset},
    {Py_tp_doc, "The storage of a ring."},
    {0, NULL},
};
PyType_Spec ring_spec = {
    .name = "rusted_ring.native._core.Ring",
    .basicsize = sizeof(owned),
    .flags = OWNED_FLAGS,
    .slots = ring_slots,
};
