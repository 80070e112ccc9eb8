/* The state of the module: the count of forks, and the registered Python classes. It needs no other file of the binding. */
#include "binding.h"

#if !defined(_WIN32)
#  include <pthread.h>
#endif

const char *const batch_field_names[BATCH_FIELDS] = {"first_sequence", "_count", "_block", "_ends"};

struct PyModuleDef *module_definition;

/* ------------------------------------------------------------------------------------------------------------- forks */

_Atomic unsigned long forks;

#if !defined(_WIN32)

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

/* A hook of the C library: it also counts the forks that a library makes. */
int watch_forks(void)
{
    static atomic_flag watched = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&watched) || pthread_atfork(NULL, NULL, count_fork) == 0)
        return 0;
    PyErr_NoMemory();
    return -1;
}

#else

int watch_forks(void)
{
    return 0;
}

#endif

/* ------------------------------------------------------------------------------------------------------------- state */

state *state_of_type(PyTypeObject *type)
{
    for (; type != NULL; type = PyType_GetSlot(type, Py_tp_base)) {
        PyObject *module = PyType_GetModule(type);
        if (module == NULL)
            PyErr_Clear(); /* a class written in Python */
        else if (PyModule_GetDef(module) == module_definition)
            return PyModule_GetState(module);
    }
    PyErr_SetString(PyExc_SystemError, "the type is not derived from a type of this module");
    return NULL;
}

PyObject *python_class_new(const python_class *made, const char *what, Py_ssize_t items)
{
    if (made->type != NULL)
        return made->allocate(made->type, items);
    return PyErr_Format(PyExc_RuntimeError, "%s cannot be made: the class is not registered, or the module has ended", what);
}

/* --------------------------------------------------------------------------------------------------- Python's classes */

static void replace(PyTypeObject **at, PyObject *type)
{
    PyTypeObject *before = *at;
    *at = (PyTypeObject *)Py_NewRef(type);
    Py_XDECREF((PyObject *)before);
}

static int register_class(python_class *made, PyObject *type)
{
    replace(&made->type, type);
    made->allocate = ABI_FUNCTION(allocfunc) PyType_GetSlot((PyTypeObject *)type, Py_tp_alloc);
    return 0;
}

static int register_batch(state *state, PyObject *type)
{
    PyObject *fields[BATCH_FIELDS];
    for (int i = 0; i < BATCH_FIELDS; i++) {
        fields[i] = PyObject_GetAttrString(type, batch_field_names[i]);
        if (fields[i] != NULL && Py_TYPE(fields[i]) != &PyMemberDescr_Type) {
            PyErr_Format(PyExc_TypeError, "%s is not a slot of the class EventBatch", batch_field_names[i]);
            Py_CLEAR(fields[i]);
        }
        if (fields[i] == NULL) {
            while (i-- > 0)
                Py_DECREF(fields[i]);
            return -1;
        }
    }
    for (int i = 0; i < BATCH_FIELDS; i++) {
        PyObject *before = state->batch_fields[i];
        state->batch_fields[i] = fields[i];
        Py_XDECREF(before);
    }
    state->batch_set = ABI_FUNCTION(descrsetfunc) PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_set);
    return register_class(&state->batch, type);
}

PyObject *register_type(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    state *state = PyModule_GetState(module);
    const char *name = count == 2 ? PyUnicode_AsUTF8AndSize(arguments[0], NULL) : NULL;
    if (name == NULL || !PyType_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "register_type takes a name and a class");
        return NULL;
    }
    PyObject *type = arguments[1];
    const struct {
        const char *name;
        python_class *made;
        PyTypeObject **found;
        PyTypeObject *base;
    } kinds[] = {
        {"RingPtr", &state->pointer, NULL, state->pointer_type},
        {"Loan", &state->loan, NULL, state->loan_type},
        {"Reservation", &state->reservation, NULL, state->reservation_type},
        {"Peek", &state->peek, NULL, state->peek_type},
        {"WeakRingPtr", &state->weak, NULL, state->weak_type},
        {"PooledEvent", &state->event, NULL, &PyTuple_Type},
        {"EventBatch", &state->batch, NULL, &PyBaseObject_Type},
        {"Reader", NULL, &state->reader_class, state->reader_type},
        {"ForkedCopy", NULL, &state->forked_copy, (PyTypeObject *)PyExc_Exception},
        {"EndOfStream", NULL, &state->end_of_stream, (PyTypeObject *)PyExc_Exception},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(name, kinds[i].name) != 0)
            continue;
        if (!PyType_IsSubtype((PyTypeObject *)type, kinds[i].base))
            return PyErr_Format(PyExc_TypeError, "%s is %R: not a subclass of %R", name, type, kinds[i].base);
        if (kinds[i].made == &state->batch) {
            if (register_batch(state, type) < 0)
                return NULL;
        } else if (kinds[i].made != NULL) {
            register_class(kinds[i].made, type);
        } else {
            replace(kinds[i].found, type);
        }
        Py_RETURN_NONE;
    }
    return PyErr_Format(PyExc_ValueError, "name is %s: not a class that the module uses", name);
}


/* Gives a class a descriptor of its own for what it inherits under a name from a type of the module. */
static int own(PyTypeObject *type, PyTypeObject *base, const char *name, PyObject *made)
{
    PyObject *found = made == NULL ? NULL : PyObject_GetAttrString((PyObject *)type, name);
    PyObject *inherited = found == NULL ? NULL : PyObject_GetAttrString((PyObject *)base, name);
    int done = inherited == NULL ? -1 : found == inherited ? PyObject_SetAttrString((PyObject *)type, name, made) : 0;
    Py_XDECREF(inherited);
    Py_XDECREF(found);
    Py_XDECREF(made);
    return done;
}

PyObject *own_methods(PyObject *module, PyObject *type)
{
    (void)module;
    if (!PyType_Check(type))
        return PyErr_Format(PyExc_TypeError, "own_methods takes a class");
    PyTypeObject *to = (PyTypeObject *)type;
    for (PyTypeObject *base = to; base != NULL; base = PyType_GetSlot(base, Py_tp_base)) {
        PyObject *from = PyType_GetModule(base);
        if (from == NULL)
            PyErr_Clear(); /* a class written in Python */
        if (from == NULL || base == to || PyModule_GetDef(from) != module_definition)
            continue;
        PyMethodDef *method = PyType_GetSlot(base, Py_tp_methods);
        for (; method != NULL && method->ml_name != NULL; method++)
            if (!(method->ml_flags & METH_CLASS) && own(to, base, method->ml_name, PyDescr_NewMethod(to, method)) < 0)
                return NULL;
        PyGetSetDef *property = PyType_GetSlot(base, Py_tp_getset);
        for (; property != NULL && property->name != NULL; property++)
            if (own(to, base, property->name, PyDescr_NewGetSet(to, property)) < 0)
                return NULL;
    }
    Py_RETURN_NONE;
}
