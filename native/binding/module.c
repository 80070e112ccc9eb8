/* The module, its state, and the classes written in Python whose objects are made here. */
#include "binding.h"

#if !defined(_WIN32)
#  include <pthread.h>
#endif

const char *const batch_field_names[BATCH_FIELDS] = {"first_sequence", "_count", "_block", "_ends"};

static struct PyModuleDef definition;

/* ------------------------------------------------------------------------------------------------------------- forks */

_Atomic unsigned long forks;

#if !defined(_WIN32)

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

/* Whoever forks is noticed, be it `os.fork` or a library. */
static int watch_forks(void)
{
    static atomic_flag watched = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&watched) || pthread_atfork(NULL, NULL, count_fork) == 0)
        return 0;
    PyErr_NoMemory();
    return -1;
}

#else

static int watch_forks(void)
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
        else if (PyModule_GetDef(module) == &definition)
            return PyModule_GetState(module);
    }
    PyErr_SetString(PyExc_SystemError, "the type is none of this module");
    return NULL;
}

PyObject *made_new(const made_class *made, const char *what, Py_ssize_t items)
{
    if (made->type != NULL)
        return made->allocate(made->type, items);
    return PyErr_Format(PyExc_RuntimeError, "%s cannot be made: the module was not told of it, or has ended", what);
}

static void replace(PyTypeObject **at, PyObject *type)
{
    PyTypeObject *before = *at;
    *at = (PyTypeObject *)Py_NewRef(type);
    Py_XDECREF((PyObject *)before);
}

static int tell_made(made_class *made, PyObject *type)
{
    replace(&made->type, type);
    made->allocate = ABI_FUNCTION(allocfunc) PyType_GetSlot((PyTypeObject *)type, Py_tp_alloc);
    return 0;
}

static int tell_batch(state *state, PyObject *type)
{
    PyObject *fields[BATCH_FIELDS];
    for (int i = 0; i < BATCH_FIELDS; i++) {
        fields[i] = PyObject_GetAttrString(type, batch_field_names[i]);
        if (fields[i] != NULL && Py_TYPE(fields[i]) != &PyMemberDescr_Type) {
            PyErr_Format(PyExc_TypeError, "%s is no slot of a batch", batch_field_names[i]);
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
    return tell_made(&state->batch, type);
}

/* tell(name, type): a class whose objects are made here, or that is looked for. Told again it is the new one. */
static PyObject *tell(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    state *state = PyModule_GetState(module);
    const char *name = count == 2 ? PyUnicode_AsUTF8AndSize(arguments[0], NULL) : NULL;
    if (name == NULL || !PyType_Check(arguments[1])) {
        PyErr_SetString(PyExc_TypeError, "tell takes a name and a class");
        return NULL;
    }
    PyObject *type = arguments[1];
    const struct {
        const char *name;
        made_class *made;
        PyTypeObject **found;
        PyTypeObject *base;
    } kinds[] = {
        {"RingPtr", &state->pointer, NULL, state->pointer_type},
        {"Loan", &state->loan, NULL, state->loan_type},
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
            return PyErr_Format(PyExc_TypeError, "%s is %R: no class of %R", name, type, kinds[i].base);
        if (kinds[i].made == &state->batch) {
            if (tell_batch(state, type) < 0)
                return NULL;
        } else if (kinds[i].made != NULL) {
            tell_made(kinds[i].made, type);
        } else {
            replace(kinds[i].found, type);
        }
        Py_RETURN_NONE;
    }
    return PyErr_Format(PyExc_ValueError, "name is %s: no class that is made here", name);
}

/* ------------------------------------------------------------------------------------------------------------ module */

/* Every object that the state refers to, for those who visit and clear them. */
#define EACH_OBJECT(DO)                                                                                          \
    DO(state->owner_type) DO(state->pin_type) DO(state->tokens_type) DO(state->pinned_type) DO(state->ring_type) \
    DO(state->writer_type) DO(state->reader_type) DO(state->pools_type) DO(state->allocator_type)                \
    DO(state->pointer_type) DO(state->loan_type) DO(state->weak_type) DO(state->pointer.type)                    \
    DO(state->loan.type) DO(state->weak.type) DO(state->event.type) DO(state->batch.type)                        \
    DO(state->reader_class) DO(state->forked_copy) DO(state->end_of_stream)

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    state *state = PyModule_GetState(module);
#define DO(member) Py_VISIT((PyObject *)(member));
    EACH_OBJECT(DO)
#undef DO
    for (int i = 0; i < BATCH_FIELDS; i++)
        Py_VISIT(state->batch_fields[i]);
    return 0;
}

static int module_clear(PyObject *module)
{
    state *state = PyModule_GetState(module);
#define DO(member) Py_CLEAR(member);
    EACH_OBJECT(DO)
#undef DO
    for (int i = 0; i < BATCH_FIELDS; i++)
        Py_CLEAR(state->batch_fields[i]);
    for (int i = 0; i < NAMES; i++)
        Py_CLEAR(state->names[i]);
    return 0;
}

static void module_free(void *module)
{
    (void)module_clear(module);
}

/* Adds a type to the module under the last part of its name. */
static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base, PyTypeObject **made)
{
    *made = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, (PyObject *)base);
    return *made == NULL ? -1 : PyModule_AddObjectRef(module, strrchr(spec->name, '.') + 1, (PyObject *)*made);
}

static int module_exec(PyObject *module)
{
    state *state = PyModule_GetState(module);
    for (int i = 0; i < NAMES; i++)
        if ((state->names[i] = PyUnicode_InternFromString(name_texts[i])) == NULL)
            return -1;
    const struct {
        PyType_Spec *spec;
        PyTypeObject **made;
        PyTypeObject **base;
    } types[] = {
        {&owner_spec, &state->owner_type, NULL},
        {&pin_spec, &state->pin_type, NULL},
        {&tokens_spec, &state->tokens_type, NULL},
        {&ring_spec, &state->ring_type, NULL},
        {&writer_spec, &state->writer_type, NULL},
        {&reader_spec, &state->reader_type, NULL},
        {&pools_spec, &state->pools_type, NULL},
        {&allocator_spec, &state->allocator_type, NULL},
        {&pinned_spec, &state->pinned_type, NULL},
        {&pointer_spec, &state->pointer_type, &state->pinned_type},
        {&loan_spec, &state->loan_type, &state->pinned_type},
        {&weak_spec, &state->weak_type, NULL},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (add_type(module, types[i].spec, types[i].base == NULL ? NULL : *types[i].base, types[i].made) < 0)
            return -1;
    return watch_forks();
}

static PyMethodDef functions[] = {
    {"tell", FASTCALL(tell), METH_FASTCALL, "tell(name, type): a class of Python's whose objects are made here."},
    {"turn_over", tell_turn_over, METH_NOARGS, "Whether the thread's event loop is to have its turn."},
    {"turn_begins", tell_turn_begins, METH_NOARGS, "Say that the event loop went round."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, ABI_FUNCTION(void *) module_exec},
    {0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = "The calls of the native implementation.",
    .m_size = sizeof(state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
