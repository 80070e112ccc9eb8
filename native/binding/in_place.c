/* Slots of a ring that are lent to the program: Reservation and Peek. */
#include "binding.h"

/* ------------------------------------------------------------------------------------------------------ memory lent */

static lent *lent_new(owner *of, int reading)
{
    lent *held = PyObject_New(lent, of->state->lent_type);
    if (held == NULL)
        return NULL;
    held->owner = (owner *)Py_NewRef((PyObject *)of);
    held->reading = reading;
    held->memory = NULL;
    held->first = 0;
    held->count = 0;
    held->size = rr_ring_size(of->parent->object);
    held->stride = (Py_ssize_t)rr_round64(held->size);
    held->views = 0;
    return held;
}

void lent_take(lent *held, uint8_t *memory, size_t count)
{
    held->memory = memory;
    held->count = (Py_ssize_t)count;
    held->owner->lent = held;
}

void lent_forget(lent *held)
{
    held->memory = NULL;
    if (held->owner->lent == held)
        held->owner->lent = NULL;
}

static void lent_dealloc(PyObject *self)
{
    lent *held = (lent *)self;
    if (held->memory != NULL && held->owner->forks == forks_now() && held->owner->object != NULL) {
        if (held->reading)
            (void)rr_reader_release(held->owner->object, 0);
        else
            rr_writer_cancel(held->owner->object);
    }
    lent_forget(held);
    Py_DECREF((PyObject *)held->owner);
    object_free(self);
}

static int lent_lend(PyObject *self, Py_buffer *view, int flags)
{
    lent *held = (lent *)self;
    if (held->memory == NULL) {
        view->obj = NULL;
        PyErr_SetString(PyExc_BufferError, "the reservation or peek has ended, and has no slots");
        return -1;
    }
    if (PyBuffer_FillInfo(view, self, held->memory, held->count * held->stride, held->reading, flags) < 0)
        return -1;
    held->views++;
    return 0;
}

static void lent_return(PyObject *self, Py_buffer *view)
{
    (void)view;
    ((lent *)self)->views--;
}

static PyType_Slot lent_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) lent_dealloc},
    {Py_bf_getbuffer, ABI_FUNCTION(void *) lent_lend},
    {Py_bf_releasebuffer, ABI_FUNCTION(void *) lent_return},
    {Py_tp_doc, "Slots of a ring that are lent to the program; views of them keep it alive."},
    {0, NULL},
};
PyType_Spec lent_spec = {
    .name = "rusted_ring.native._core.Lent",
    .basicsize = sizeof(lent),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = lent_slots,
};

/* --------------------------------------------------------------------------------------- what both have in common */

typedef struct in_place {
    PyObject_HEAD
    lent *lent; /* NULL if the object is not initialized, or has ended [GIL] */
} in_place;

static int in_place_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void in_place_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF((PyObject *)((in_place *)self)->lent);
    object_free(self);
}

PyObject *in_place_new(owner *of, int reading, lent **held)
{
    state *state = of->state;
    *held = lent_new(of, reading);
    PyObject *made = *held == NULL ? NULL
                     : reading    ? python_class_new(&state->peek, "Peek", 0)
                                  : python_class_new(&state->reservation, "Reservation", 0);
    if (made == NULL) {
        Py_XDECREF((PyObject *)*held);
        return NULL;
    }
    ((in_place *)made)->lent = (lent *)Py_NewRef((PyObject *)*held);
    return made;
}

/* The slots if the reservation or peek is open, else NULL. It is not open yet while a call is making it, and not any more after its
 * end or the close of its writer or reader. */
static lent *open_lent(PyObject *self)
{
    lent *held = ((in_place *)self)->lent;
    return held != NULL && held->memory != NULL ? held : NULL;
}

/* The slots, for a call named `use`; NULL with an error if the object has ended, or a parent process made it. */
static lent *lent_of(PyObject *self, const char *use)
{
    lent *held = ((in_place *)self)->lent;
    if (held != NULL && held->owner->forks != forks_now())
        return refuse_fork(self, held->owner->state, use);
    held = open_lent(self);
    return held == NULL ? (lent *)refuse(self, "_refuse_ended", Py_BuildValue("(s)", use)) : held;
}

/* Ends the object: the reservation or peek ends after the last of its views [RING-67, RING-76]. */
static void release_lent(PyObject *self)
{
    lent *before = ((in_place *)self)->lent;
    ((in_place *)self)->lent = NULL;
    Py_XDECREF((PyObject *)before);
}

/* The bytes of a slot that the program sees: of a peek, those of the event. */
static Py_ssize_t length_at(const lent *held, uint32_t index)
{
    uint32_t length = held->size, event_type;
    if (held->reading)
        rr_reader_peeked(held->owner->object, index, &length, &event_type);
    return (Py_ssize_t)(length < held->size ? length : held->size);
}

static PyObject *in_place_slot(PyObject *self, PyObject *index)
{
    uint64_t at;
    lent *held = lent_of(self, "slot");
    if (held == NULL)
        return NULL;
    if (!take_u64(index, &at) || at >= (uint64_t)held->count) {
        PyObject *checked = call_python(self, "_slot_argument", &index, 1, NULL);
        int taken = checked != NULL && take_u64(checked, &at);
        Py_XDECREF(checked);
        if (checked == NULL || !taken)
            return checked == NULL ? NULL : unexpected_result("_slot_argument");
        if ((held = lent_of(self, "slot")) == NULL)
            return NULL;
    }
    Py_ssize_t start = (Py_ssize_t)at * held->stride, stop = start + length_at(held, (uint32_t)at);
    Py_INCREF((PyObject *)held); /* making a view may run the garbage collector */
    PyObject *view = PyMemoryView_FromObject((PyObject *)held);
    PyObject *part = view == NULL ? NULL : PySequence_GetSlice(view, start, stop);
    Py_XDECREF(view);
    Py_DECREF((PyObject *)held);
    return part;
}

static PyObject *in_place_get_data(PyObject *self, void *use)
{
    lent *held = lent_of(self, use);
    if (held == NULL)
        return NULL;
    Py_INCREF((PyObject *)held);
    PyObject *view = PyMemoryView_FromObject((PyObject *)held);
    PyObject *rows = view == NULL ? NULL : PyObject_CallMethod(view, "cast", "s(nn)", "B", held->count, held->stride);
    Py_XDECREF(view);
    Py_DECREF((PyObject *)held);
    return rows;
}

static PyObject *in_place_get_count(PyObject *self, void *use)
{
    lent *held = lent_of(self, use);
    return held == NULL ? NULL : PyLong_FromSsize_t(held->count);
}

static PyObject *in_place_get_released(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(open_lent(self) == NULL);
}

/* What repr shows: the number of slots, or None after the end. */
static PyObject *in_place_shown(PyObject *self, PyObject *none)
{
    (void)none;
    lent *held = open_lent(self);
    if (held == NULL)
        Py_RETURN_NONE;
    return PyLong_FromSsize_t(held->count);
}

static PyObject *in_place_shape(PyObject *self, PyObject *none)
{
    (void)none;
    lent *held = lent_of(self, "commit");
    return held == NULL ? NULL : Py_BuildValue("(nI)", held->count, (unsigned int)held->size);
}

static PyObject *in_place_enter(PyObject *self, PyObject *none)
{
    (void)none;
    return lent_of(self, "with") == NULL ? NULL : Py_NewRef(self);
}

static PyMethodDef in_place_methods[] = {
    {"_shape", in_place_shape, METH_NOARGS, "The number of slots, and the payload bytes of each."},
    {"_shown", in_place_shown, METH_NOARGS, "The number of slots; None after the end."},
    {"__enter__", in_place_enter, METH_NOARGS, DOC("__enter__($self, /)", "Return the reservation or peek.")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef in_place_getset[] = {
    {"count", in_place_get_count, NULL, "The number of slots [RING-61, RING-71].", "count"},
    {"released", in_place_get_released, NULL, "Whether the reservation or peek has ended [RING-68, RING-77].", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot in_place_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) in_place_dealloc},
    {Py_tp_traverse, ABI_FUNCTION(void *) in_place_traverse},
    {Py_tp_methods, in_place_methods},
    {Py_tp_getset, in_place_getset},
    {Py_tp_doc, "The base class of reservations and peeks, which hold slots of a ring."},
    {0, NULL},
};
PyType_Spec in_place_spec = {
    .name = "rusted_ring.native._core.InPlace",
    .basicsize = sizeof(in_place),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = in_place_slots,
};

/* ----------------------------------------------------------------------------------------------------- reservations */

/* The lengths and event types of a commit. */
typedef struct kinds {
    uint64_t count;
    payload lengths, event_types; /* lent if there is one for each event */
    uint32_t length, event_type;
} kinds;

static void kinds_end(kinds *found)
{
    payload_end(&found->lengths);
    payload_end(&found->event_types);
}

/* An argument that is a number, or a buffer of one for each event: 1; 0 if it is neither; -1 with an error. */
static int take_kind(PyObject *value, uint32_t *number, payload *each)
{
    return take_u32(value, number) ? 1 : take_column(value, 'I', 4, each);
}

/* Whether no length is above the ring's size. */
static int fits(const lent *held, const kinds *found)
{
    const uint32_t *lengths = (const uint32_t *)(const void *)found->lengths.data;
    if (!found->lengths.lent)
        return found->count == 0 || found->length <= held->size;
    for (uint64_t i = 0; i < found->count; i++)
        if (lengths[i] > held->size)
            return 0;
    return 1;
}

/* count, lengths and event_types: 1, 0 or -1 as take_kind; the caller calls kinds_end after 1. */
static int take_kinds(const lent *held, PyObject *const *bound, kinds *found)
{
    *found = (kinds){.count = (uint64_t)held->count, .length = held->size};
    int counted = bound[0] != NULL && bound[0] != Py_None;
    int taken = !counted || take_u64(bound[0], &found->count);
    if (taken > 0 && bound[1] != NULL && bound[1] != Py_None)
        taken = take_kind(bound[1], &found->length, &found->lengths);
    if (taken > 0 && !counted && found->lengths.lent)
        found->count = (uint64_t)found->lengths.length / 4;
    if (taken > 0 && bound[2] != NULL)
        taken = take_kind(bound[2], &found->event_type, &found->event_types);
    if (taken > 0)
        taken = found->count <= (uint64_t)held->count
                && (!found->lengths.lent || (uint64_t)found->lengths.length == 4 * found->count)
                && (!found->event_types.lent || (uint64_t)found->event_types.length == 4 * found->count) && fits(held, found);
    if (taken <= 0)
        kinds_end(found);
    return taken;
}

static PyObject *reservation_commit(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {EVENTS, LENGTHS, EVENT_TYPES};
    PyObject *bound[3], *checked = NULL;
    kinds found;
    lent *held = lent_of(self, "commit");
    if (held == NULL)
        return NULL;
    Py_INCREF((PyObject *)held); /* a buffer's code may end the reservation */
    int taken = bind_arguments(held->owner->state, arguments, count, given, wanted, 1, 3, 0, bound)
                    ? take_kinds(held, bound, &found) : 0;
    if (taken == 0 && (checked = checked_arguments(self, "_commit_arguments", arguments, count, given, 3, bound)) != NULL
        && (taken = take_kinds(held, bound, &found)) == 0)
        (void)unexpected_result("_commit_arguments");
    int committed = 0;
    if (taken > 0) {
        /* [GIL] nothing else runs from here to the commit. */
        if (open_lent(self) != held) {
            (void)lent_of(self, "commit");
        } else if (held->views != 0) {
            (void)refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "commit"));
        } else {
            const uint32_t *lengths = found.lengths.lent ? (const uint32_t *)(const void *)found.lengths.data : NULL;
            const uint32_t *types = found.event_types.lent ? (const uint32_t *)(const void *)found.event_types.data : NULL;
            committed = rr_writer_commit(held->owner->object, lengths, found.length, types, found.event_type,
                                         (size_t)found.count, NULL) == RR_OK;
            if (committed)
                lent_forget(held);
            else
                (void)unexpected_result("_commit_arguments");
        }
        kinds_end(&found);
    }
    Py_XDECREF(checked);
    Py_DECREF((PyObject *)held);
    if (!committed)
        return NULL;
    release_lent(self);
    Py_RETURN_NONE;
}

static PyObject *reservation_cancel(PyObject *self, PyObject *none)
{
    (void)none;
    lent *held = open_lent(self);
    if (held != NULL && held->owner->forks == forks_now() && held->views != 0)
        return refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "cancel"));
    release_lent(self);
    Py_RETURN_NONE;
}

static PyObject *reservation_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    (void)arguments;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "__exit__() takes 3 arguments (%zd given)", count);
    release_lent(self);
    Py_RETURN_NONE;
}

static PyMethodDef reservation_methods[] = {
    {"commit", FASTCALL(reservation_commit), METH_FASTCALL | METH_KEYWORDS,
     DOC("commit($self, /, count=None, *, lengths=None, event_types=0)",
         "Publish the first slots as events, in order, and end the reservation [RING-63].\n\n"
         "Args:\n"
         "    count: how many events; None for as many as `lengths` has numbers or, if it is None or one number, for all.\n"
         "    lengths: one integer for all events, or a sequence or buffer with an integer for each; None for the ring's\n"
         "        size.\n"
         "    event_types: one integer for all events, or a sequence or buffer with an integer for each.\n\n"
         "Raises:\n"
         "    ReleasedHandle: the reservation has ended [RING-68].\n"
         "    TypeError: an argument, or an item of one, has a wrong type.\n"
         "    ValueError: a number is out of its bounds, or there are not as many as events.\n"
         "    PayloadTooLarge: a length is above the ring's size [RING-9].\n"
         "    ViewsOutstanding: a view of the slots is alive [RING-66].")},
    {"cancel", reservation_cancel, METH_NOARGS,
     DOC("cancel($self, /)",
         "End the reservation and publish nothing; after its end, do nothing [RING-64, RING-68].\n\n"
         "Raises:\n"
         "    ViewsOutstanding: a view of the slots is alive [RING-66].")},
    {"slot", in_place_slot, METH_O,
     DOC("slot($self, index, /)",
         "Return a writable view of the payload of one slot, `size` bytes long, format `B` [RING-62].\n\n"
         "Args:\n"
         "    index: 0 for the slot of the next event, up to `count - 1`.\n\n"
         "Raises:\n"
         "    ReleasedHandle: the reservation has ended [RING-68].\n"
         "    TypeError: `index` is not an integer.\n"
         "    IndexError: there is no such slot.")},
    {"__exit__", FASTCALL(reservation_exit), METH_FASTCALL,
     DOC("__exit__($self, /, kind, error, traceback)",
         "End the reservation, after the last view if there are views; without a commit nothing is published [RING-64, RING-67].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef reservation_getset[] = {
    {"data", in_place_get_data, NULL,
     "A writable view of all slots, format `B`, with a row for each of `size` rounded up to 64 [RING-62].", "data"},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot reservation_slots[] = {
    {Py_tp_methods, reservation_methods},
    {Py_tp_getset, reservation_getset},
    {Py_tp_doc, "The methods of a reservation that are written in C."},
    {0, NULL},
};
PyType_Spec reservation_spec = {
    .name = "rusted_ring.native._core.Reservation",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* and the collection of its base */
    .slots = reservation_slots,
};

/* ------------------------------------------------------------------------------------------------------------ peeks */

/* Releases a peek after the checks of its argument: 0, or -1 with an error. */
static int release_events(PyObject *self, lent *held, uint64_t count)
{
    int refused = 1;
    if (rr_reader_evicted(held->owner->object))
        (void)refuse(self, "_refuse_evicted", Py_BuildValue("()"));
    else if (held->views != 0)
        (void)refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "release"));
    else if (rr_reader_release(held->owner->object, (uint32_t)count) != RR_OK)
        (void)refuse(self, "_refuse_evicted", Py_BuildValue("()")); /* evicted by a thread that runs beside this call */
    else
        refused = 0;
    if (refused)
        return -1;
    lent_forget(held);
    release_lent(self);
    return 0;
}

static PyObject *peek_release(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {EVENTS};
    PyObject *bound[1] = {NULL};
    lent *held = lent_of(self, "release");
    if (held == NULL)
        return NULL;
    uint64_t read = (uint64_t)held->count;
    if (count != 0 || given != NULL) {
        if (!bind_arguments(held->owner->state, arguments, count, given, wanted, 1, 1, 1, bound) || !take_u64(bound[0], &read)
            || read > (uint64_t)held->count) {
            PyObject *checked = call_python(self, "_release_arguments", arguments, count, given);
            int taken = checked != NULL && take_u64(checked, &read);
            Py_XDECREF(checked);
            if (checked == NULL || !taken)
                return checked == NULL ? NULL : unexpected_result("_release_arguments");
            if ((held = lent_of(self, "release")) == NULL)
                return NULL;
        }
    }
    if (release_events(self, held, read) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *peek_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "__exit__() takes 3 arguments (%zd given)", count);
    lent *held = open_lent(self);
    if (arguments[0] == Py_None && held != NULL && held->owner->forks == forks_now()) {
        if (release_events(self, held, (uint64_t)held->count) < 0)
            return NULL;
    } else {
        release_lent(self);
    }
    Py_RETURN_NONE;
}

/* A view of a copy of a number of each event, made in bytes. */
static PyObject *column(PyObject *self, const char *use, int of_types)
{
    lent *held = lent_of(self, use);
    PyObject *copy = held == NULL ? NULL : PyBytes_FromStringAndSize(NULL, 4 * held->count);
    if (copy == NULL)
        return NULL;
    Py_ssize_t count = PyBytes_Size(copy) / 4;
    if ((held = lent_of(self, use)) == NULL || held->count != count) { /* the garbage collector ran Python code */
        Py_DECREF(copy);
        return held == NULL ? NULL : unexpected_result(use);
    }
    uint32_t *numbers = (uint32_t *)(void *)PyBytes_AsString(copy);
    for (Py_ssize_t i = 0; i < count; i++) {
        uint32_t length, event_type;
        rr_reader_peeked(held->owner->object, (uint32_t)i, &length, &event_type);
        numbers[i] = of_types ? event_type : length;
    }
    PyObject *view = PyMemoryView_FromObject(copy);
    PyObject *found = view == NULL ? NULL : PyObject_CallMethod(view, "cast", "s", "I");
    Py_XDECREF(view);
    Py_DECREF(copy);
    return found;
}

static PyObject *peek_get_lengths(PyObject *self, void *use)
{
    return column(self, use, 0);
}

static PyObject *peek_get_event_types(PyObject *self, void *use)
{
    return column(self, use, 1);
}

static PyObject *peek_get_first(PyObject *self, void *use)
{
    lent *held = lent_of(self, use);
    return held == NULL ? NULL : PyLong_FromUnsignedLongLong(held->first);
}

static PyMethodDef peek_methods[] = {
    {"release", FASTCALL(peek_release), METH_FASTCALL | METH_KEYWORDS,
     DOC("release($self, /, count=None)",
         "End the peek, and move the reader on past the first events [RING-73].\n\n"
         "Args:\n"
         "    count: how many events were read; None for all.\n\n"
         "Raises:\n"
         "    ReleasedHandle: the peek has ended [RING-77].\n"
         "    TypeError: `count` is not an integer.\n"
         "    ValueError: `count` is not from 0 to the number of events.\n"
         "    RingClosed: the reader was evicted: the memory may have changed while it was read [RING-78].\n"
         "    ViewsOutstanding: a view of the events is alive [RING-75].")},
    {"slot", in_place_slot, METH_O,
     DOC("slot($self, index, /)",
         "Return a read-only view of the payload of one event, format `B` [RING-72].\n\n"
         "Args:\n"
         "    index: 0 for the next event, up to `count - 1`.\n\n"
         "Raises:\n"
         "    ReleasedHandle: the peek has ended [RING-77].\n"
         "    TypeError: `index` is not an integer.\n"
         "    IndexError: there is no such event.")},
    {"__exit__", FASTCALL(peek_exit), METH_FASTCALL,
     DOC("__exit__($self, /, kind, error, traceback)",
         "Release all events or, after an exception, end the peek without moving the reader [RING-73, RING-76].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef peek_getset[] = {
    {"data", in_place_get_data, NULL,
     "A read-only view of all slots, format `B`, with a row for each of `size` rounded up to 64 [RING-72].", "data"},
    {"lengths", peek_get_lengths, NULL, "A copy of the length of each event, format `I` [RING-72].", "lengths"},
    {"event_types", peek_get_event_types, NULL, "A copy of the type of each event, format `I` [RING-72].", "event_types"},
    {"first_sequence", peek_get_first, NULL, "The sequence number of the first event [RING-71].", "first_sequence"},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot peek_slots[] = {
    {Py_tp_methods, peek_methods},
    {Py_tp_getset, peek_getset},
    {Py_tp_doc, "The methods of a peek that are written in C."},
    {0, NULL},
};
PyType_Spec peek_spec = {
    .name = "rusted_ring.native._core.Peek",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* and the collection of its base */
    .slots = peek_slots,
};
