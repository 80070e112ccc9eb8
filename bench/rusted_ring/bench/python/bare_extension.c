/*
 * bare_extension.c - what a ring and a pool cost from Python if nothing is checked: the peer "bare-extension".
 *
 * The calls do the least that those of rusted_ring.native must do with Python's own objects, so what they take is what Python takes:
 *     Ring(event_class): add(bytes) copies at most 64 bytes in; next() copies them out and returns an `event_class`, which is a
 *                        tuple of two, or None.
 *     Pool():            allocate(bytes) copies at most 64 bytes into a slot and returns a Pointer.
 *     Pointer:           data is a memoryview of the slot; drop() frees the slot, unless a view of it lives.
 * There are no laps, no second reader, no generations, no counts, no limit of a ring, no threads, no subclasses and no keywords.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

#define SLOT_BYTES 64
#define RING_SLOTS 1024u
#define POOL_SLOTS 64

static int is_payload(PyObject *const *arguments, Py_ssize_t count)
{
    if (count == 1 && PyBytes_CheckExact(arguments[0]) && PyBytes_GET_SIZE(arguments[0]) <= SLOT_BYTES)
        return 1;
    PyErr_SetString(PyExc_TypeError, "pass bytes, 64 at the most");
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------- ring */

typedef struct {
    PyObject_HEAD
    PyTypeObject *event_class;
    size_t written, read;
    Py_ssize_t lengths[RING_SLOTS];
    char slots[RING_SLOTS][SLOT_BYTES];
} ring;

static PyObject *ring_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    PyObject *event_class;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O!", &PyType_Type, &event_class))
        return NULL;
    if (!PyType_IsSubtype((PyTypeObject *)event_class, &PyTuple_Type)) {
        PyErr_SetString(PyExc_TypeError, "event_class is no class of tuples");
        return NULL;
    }
    ring *made = (ring *)type->tp_alloc(type, 0);
    if (made != NULL)
        made->event_class = (PyTypeObject *)Py_NewRef(event_class);
    return (PyObject *)made;
}

static void ring_dealloc(PyObject *self)
{
    Py_DECREF((PyObject *)((ring *)self)->event_class);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *ring_add(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    ring *of = (ring *)self;
    if (!is_payload(arguments, count))
        return NULL;
    size_t slot = of->written++ % RING_SLOTS;
    of->lengths[slot] = PyBytes_GET_SIZE(arguments[0]);
    memcpy(of->slots[slot], PyBytes_AS_STRING(arguments[0]), (size_t)of->lengths[slot]);
    Py_RETURN_TRUE;
}

static PyObject *ring_next(PyObject *self, PyObject *none)
{
    ring *of = (ring *)self;
    (void)none;
    if (of->read == of->written)
        Py_RETURN_NONE;
    size_t slot = of->read % RING_SLOTS;
    PyObject *data = PyBytes_FromStringAndSize(of->slots[slot], of->lengths[slot]);
    PyObject *event_type = PyLong_FromLong(0);
    PyObject *event = data == NULL || event_type == NULL ? NULL : of->event_class->tp_alloc(of->event_class, 2);
    if (event == NULL) {
        Py_XDECREF(data);
        Py_XDECREF(event_type);
        return NULL;
    }
    PyTuple_SET_ITEM(event, 0, data);
    PyTuple_SET_ITEM(event, 1, event_type);
    of->read++;
    return event;
}

static PyMethodDef ring_methods[] = {
    {"add", (PyCFunction)(void (*)(void))ring_add, METH_FASTCALL, NULL}, {"next", ring_next, METH_NOARGS, NULL}, {0}};

static PyTypeObject ring_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "bare_extension.Ring",
    .tp_basicsize = sizeof(ring),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = ring_methods,
    .tp_new = ring_new,
    .tp_dealloc = ring_dealloc,
};

/* ------------------------------------------------------------------------------------------------- pool and pointer */

typedef struct {
    PyObject_HEAD
    int free_slots;
    char *free_list[POOL_SLOTS];
    char slots[POOL_SLOTS][SLOT_BYTES];
} pool;

typedef struct {
    PyObject_HEAD
    pool *of;
    char *payload; /* NULL once dropped */
    Py_ssize_t length, views;
} pointer;

static PyTypeObject pointer_type;

static PyObject *pool_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    pool *made = (pool *)PyType_GenericNew(type, arguments, keywords);
    for (; made != NULL && made->free_slots < POOL_SLOTS; made->free_slots++)
        made->free_list[made->free_slots] = made->slots[made->free_slots];
    return (PyObject *)made;
}

static PyObject *pool_allocate(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    pool *of = (pool *)self;
    if (!is_payload(arguments, count))
        return NULL;
    if (of->free_slots == 0)
        return PyErr_NoMemory();
    pointer *made = PyObject_New(pointer, &pointer_type);
    if (made == NULL)
        return NULL;
    made->of = (pool *)Py_NewRef(self);
    made->payload = of->free_list[--of->free_slots];
    made->length = PyBytes_GET_SIZE(arguments[0]);
    made->views = 0;
    memcpy(made->payload, PyBytes_AS_STRING(arguments[0]), (size_t)made->length);
    return (PyObject *)made;
}

static void pointer_end(pointer *self)
{
    if (self->payload != NULL && self->views == 0) {
        self->of->free_list[self->of->free_slots++] = self->payload;
        self->payload = NULL;
    }
}

static void pointer_dealloc(PyObject *self)
{
    pointer_end((pointer *)self);
    Py_DECREF((PyObject *)((pointer *)self)->of);
    PyObject_Free(self);
}

static PyObject *pointer_drop(PyObject *self, PyObject *none)
{
    (void)none;
    pointer_end((pointer *)self);
    Py_RETURN_NONE;
}

static PyObject *pointer_data(PyObject *self, void *none)
{
    (void)none;
    return PyMemoryView_FromObject(self);
}

static int pointer_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    pointer *of = (pointer *)self;
    if (of->payload == NULL) {
        PyErr_SetString(PyExc_ValueError, "dropped");
        return -1;
    }
    int done = PyBuffer_FillInfo(view, self, of->payload, of->length, 1, flags);
    of->views += done == 0;
    return done;
}

static void pointer_releasebuffer(PyObject *self, Py_buffer *view)
{
    (void)view;
    ((pointer *)self)->views--;
}

static PyMethodDef pool_methods[] = {{"allocate", (PyCFunction)(void (*)(void))pool_allocate, METH_FASTCALL, NULL}, {0}};
static PyMethodDef pointer_methods[] = {{"drop", pointer_drop, METH_NOARGS, NULL}, {0}};
static PyGetSetDef pointer_properties[] = {{"data", pointer_data, NULL, NULL, NULL}, {0}};
static PyBufferProcs pointer_buffer = {pointer_getbuffer, pointer_releasebuffer};

static PyTypeObject pool_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "bare_extension.Pool",
    .tp_basicsize = sizeof(pool),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = pool_methods,
    .tp_new = pool_new,
};

static PyTypeObject pointer_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "bare_extension.Pointer",
    .tp_basicsize = sizeof(pointer),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = pointer_methods,
    .tp_getset = pointer_properties,
    .tp_as_buffer = &pointer_buffer,
    .tp_dealloc = pointer_dealloc,
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "bare_extension", .m_size = -1};

PyMODINIT_FUNC PyInit_bare_extension(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL
        && (PyModule_AddType(module, &ring_type) < 0 || PyModule_AddType(module, &pool_type) < 0
            || PyModule_AddType(module, &pointer_type) < 0))
        Py_CLEAR(module);
    return module;
}
