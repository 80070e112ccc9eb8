/* The extension module: its types, its functions, and the life of its state. */
#include "binding.h"

/* Every type that the state refers to, for `module_traverse` and `module_clear`. */
#define EACH_OBJECT(DO)                                                                                          \
    DO(state->owner_type) DO(state->pin_type) DO(state->tokens_type) DO(state->pinned_type) DO(state->ring_type) \
    DO(state->writer_type) DO(state->reader_type) DO(state->pools_type) DO(state->allocator_type)                \
    DO(state->pointer_type) DO(state->loan_type) DO(state->weak_type) DO(state->pointer.type)                    \
    DO(state->loan.type) DO(state->weak.type) DO(state->event.type) DO(state->batch.type)                        \
    DO(state->lent_type) DO(state->in_place_type) DO(state->reservation_type) DO(state->peek_type)               \
    DO(state->reservation.type) DO(state->peek.type)                                                             \
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
        {&lent_spec, &state->lent_type, NULL},
        {&in_place_spec, &state->in_place_type, NULL},
        {&reservation_spec, &state->reservation_type, &state->in_place_type},
        {&peek_spec, &state->peek_type, &state->in_place_type},
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
    {"register_type", FASTCALL(register_type), METH_FASTCALL,
     "register_type(name, type): a Python class that the module makes objects of, or looks for."},
    {"own_methods", own_methods, METH_O, "own_methods(type): give a class descriptors of its own for methods written in C."},
    {"time_slice_over", time_slice_over, METH_NOARGS, "Whether the running task should yield to its event loop."},
    {"time_slice_begins", time_slice_begins, METH_NOARGS, "Note that the event loop has run its other tasks."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, ABI_FUNCTION(void *) module_exec},
    {0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = "The native implementation's types.",
    .m_size = sizeof(state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void)
{
    module_definition = &definition; /* every interpreter stores the same pointer */
    return PyModuleDef_Init(&definition);
}
