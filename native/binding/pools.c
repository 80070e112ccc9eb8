/* EventPools: the core's allocator, and the calls that take a slot index. */
#include "binding.h"

/* Every pointer and view keeps the allocator's owner alive, so only detached references can be left. */
static void allocator_end(void *object)
{
    rr_allocator_abandon(object);
}

/* _make(profile, (ref_bits, generation_bits, tag_bits, XS, S, M, L, XL, heap_slots, heap_bytes, max_ring_bytes)): a status. */
static PyObject *pools_make(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    uint32_t narrow[9];
    rr_profile profile;
    if (count != 2 || !PyTuple_Check(arguments[1]) || PyTuple_Size(arguments[1]) != 11)
        return PyErr_Format(PyExc_TypeError, "_make takes a profile and its 11 numbers");
    int taken = take_u64(PyTuple_GetItem(arguments[1], 9), &profile.heap_bytes)
                && take_u64(PyTuple_GetItem(arguments[1], 10), &profile.max_ring_bytes);
    for (Py_ssize_t i = 0; i < 9; i++)
        taken = taken && take_u32(PyTuple_GetItem(arguments[1], i), &narrow[i]);
    if (!taken)
        return PyErr_Format(PyExc_TypeError, "_make takes numbers of 32 and 64 bits");
    profile.ref_bits = narrow[0];
    profile.generation_bits = narrow[1];
    profile.tag_bits = narrow[2];
    for (int i = 0; i < 5; i++)
        profile.capacities[i] = narrow[3 + i];
    profile.heap_slots = narrow[8];
    state *state = owned_unmade(self) < 0 ? NULL : state_of_type(Py_TYPE(self));
    owner *held = state == NULL ? NULL : owner_new(state, allocator_end, NULL);
    if (held == NULL)
        return NULL;
    rr_status status = RR_OK;
    Py_BEGIN_ALLOW_THREADS
    held->object = rr_allocator_create(&profile, &status);
    Py_END_ALLOW_THREADS
    if (held->object == NULL) {
        Py_DECREF((PyObject *)held);
        return PyLong_FromLong(status);
    }
    return owned_become(self, held, arguments[0]) < 0 ? NULL : PyLong_FromLong(RR_OK);
}

static PyObject *pools_get_profile(PyObject *self, void *unused)
{
    (void)unused;
    if (owned_made(self) == NULL)
        return NULL;
    PyObject *profile = ((owned *)self)->more;
    return Py_NewRef(profile == NULL ? Py_None : profile);
}

/* ---------------------------------------------------------------------------------------------------------- triples */

typedef struct triple {
    uint32_t pool_id;
    uint32_t slot_index;
    uint64_t generation;
} triple;

static int take_triple(PyObject *const *bound, triple *found)
{
    found->generation = RR_ANY_GENERATION;
    if (!take_u32(bound[0], &found->pool_id) || !take_u32(bound[1], &found->slot_index))
        return 0;
    return bound[2] == NULL || bound[2] == Py_None
           || (take_u64(bound[2], &found->generation) && found->generation != RR_ANY_GENERATION);
}

/* Converts the arguments pool_id, slot_index, generation=None of a method, and returns the owner; NULL with an error. */
static owner *triple_of(PyObject *self, const char *use, PyObject *const *arguments, Py_ssize_t count, PyObject *given,
                       triple *found)
{
    static const int wanted[] = {POOL_ID, SLOT_INDEX, GENERATION};
    PyObject *bound[3];
    owner *held = owned_use(self, use);
    if (held == NULL)
        return NULL;
    if (!bind_arguments(held->state, arguments, count, given, wanted, 3, 3, 2, bound) || !take_triple(bound, found)) {
        PyObject *checked = checked_arguments(self, "_slot_arguments", arguments, count, given, 3, bound);
        if (checked == NULL)
            return NULL;
        int taken = take_triple(bound, found);
        Py_DECREF(checked);
        if (!taken)
            return unexpected_result("_slot_arguments");
    }
    return held->forks == forks_now() ? held : refuse_fork(self, held->state, use);
}

static PyObject *refuse_triple(PyObject *self, rr_status status, const triple *at)
{
    return refuse(self, "_refuse",
                  Py_BuildValue("(iIIK)", (int)status, at->pool_id, at->slot_index, (unsigned long long)at->generation));
}

static PyObject *pools_get_slot_data(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    triple at;
    owner *held = triple_of(self, "get_slot_data", arguments, count, given, &at);
    pin *holding = held == NULL ? NULL : pin_new(held, 0, 0);
    if (holding == NULL)
        return NULL;
    rr_status status = RR_OK;
    const uint8_t *payload = rr_get_slot_data(held->object, at.pool_id, at.slot_index, at.generation, &status);
    PyObject *view = NULL;
    if (payload != NULL) {
        pin_take(holding, payload);
        view = PyMemoryView_FromObject((PyObject *)holding);
    }
    Py_DECREF((PyObject *)holding);
    return payload != NULL ? view : refuse_triple(self, status, &at);
}

static PyObject *counted(PyObject *self, int64_t answer, const triple *at)
{
    return answer >= 0 ? PyLong_FromLongLong(answer) : refuse_triple(self, (rr_status)-answer, at);
}

static PyObject *pools_inc_ref_count(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    triple at;
    owner *held = triple_of(self, "inc_ref_count", arguments, count, given, &at);
    if (held == NULL)
        return NULL;
    int64_t answer = rr_inc_ref_count(held->object, at.pool_id, at.slot_index, at.generation);
    PyObject *number = counted(self, answer, &at);
    if (number == NULL && answer >= 0) /* the caller would not know of the reference */
        (void)rr_dec_ref_count(held->object, at.pool_id, at.slot_index, at.generation);
    return number;
}

static PyObject *pools_dec_ref_count(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    triple at;
    owner *held = triple_of(self, "dec_ref_count", arguments, count, given, &at);
    if (held == NULL)
        return NULL;
    return counted(self, rr_dec_ref_count(held->object, at.pool_id, at.slot_index, at.generation), &at);
}

#define TRIPLE_TEXT                                                                         \
    "Args:\n"                                                                              \
    "    pool_id: the pool or its number.\n"                                               \
    "    slot_index: the slot.\n"                                                          \
    "    generation: the generation that the slot must have; None for whatever it has.\n\n" \
    "Raises:\n"                                                                            \
    "    TypeError: an argument is not an integer.\n"                                      \
    "    ValueError: there is no such pool or generation.\n"                               \
    "    IndexError: there is no such slot [ALLOC-20].\n"

static PyMethodDef pools_methods[] = {
    ADDRESS_METHOD,
    {"_make", FASTCALL(pools_make), METH_FASTCALL, "_make(profile, numbers): a status."},
    {"get_slot_data", FASTCALL(pools_get_slot_data), METH_FASTCALL | METH_KEYWORDS,
     DOC("get_slot_data($self, /, pool_id, slot_index, generation=None)",
         "Return a read-only view of the event in a LIVE slot, with a reference of its own [ALLOC-19, VIEW-6].\n\n"
         TRIPLE_TEXT
         "    StaleHandle: the slot is not LIVE (with that generation) [PTR-15].\n"
         "    RefCountOverflow: the slot's counter is at its maximum [SLOT-10].")},
    {"inc_ref_count", FASTCALL(pools_inc_ref_count), METH_FASTCALL | METH_KEYWORDS,
     DOC("inc_ref_count($self, /, pool_id, slot_index, generation=None)",
         "Add one detached reference to a LIVE slot and return the new count [ALLOC-16, PTR-11].\n\n"
         TRIPLE_TEXT
         "    StaleHandle: the slot is not LIVE (with that generation) [PTR-15].\n"
         "    RefCountOverflow: the slot's counter is at its maximum [SLOT-10].")},
    {"dec_ref_count", FASTCALL(pools_dec_ref_count), METH_FASTCALL | METH_KEYWORDS,
     DOC("dec_ref_count($self, /, pool_id, slot_index, generation=None)",
         "Release one detached reference of a LIVE slot and return the new count [ALLOC-17, PTR-11].\n\n"
         TRIPLE_TEXT
         "    StaleHandle: a generation is given and the slot is not LIVE with it [PTR-15].\n"
         "    RefCountUnderflow: the slot has no detached reference, or is not LIVE and no generation is given [PTR-14].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef pools_getset[] = {
    {"profile", pools_get_profile, NULL, "The widths and capacities that the pools were made with [PARAM-4].", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot pools_slots[] = {
    OWNED_SLOTS,
    {Py_tp_methods, pools_methods},
    {Py_tp_getset, pools_getset},
    {Py_tp_doc, "The pools of an allocator."},
    {0, NULL},
};
PyType_Spec pools_spec = {
    .name = "rusted_ring.native._core.Pools",
    .basicsize = sizeof(owned),
    .flags = OWNED_FLAGS,
    .slots = pools_slots,
};
