/* Pins, and what holds a slot through one: RingPtr and Loan. WeakRingPtr, which holds none. */
#include "binding.h"

#include <structmember.h>

/* -------------------------------------------------------------------------------------------------------------- pins */

pin *pin_new(owner *of, Py_ssize_t length, int loan)
{
    pin *held = PyObject_New(pin, of->state->pin_type);
    if (held == NULL)
        return NULL;
    held->owner = (owner *)Py_NewRef((PyObject *)of);
    held->payload = NULL;
    held->length = length;
    held->views = 0;
    held->loan = loan;
    return held;
}

void pin_take(pin *held, const uint8_t *payload)
{
    held->length = (Py_ssize_t)rr_payload_length(payload);
    held->payload = (uint8_t *)(uintptr_t)payload;
}

static void pin_dealloc(PyObject *self)
{
    pin *held = (pin *)self;
    if (held->payload != NULL && held->owner->forks == forks_now()) {
        if (held->loan)
            rr_abort(held->owner->object, held->payload);
        else
            rr_release_payload(held->owner->object, held->payload);
    }
    Py_DECREF((PyObject *)held->owner);
    object_free(self);
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

static PyType_Slot pin_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) pin_dealloc},
    {Py_bf_getbuffer, ABI_FUNCTION(void *) pin_lend},
    {Py_bf_releasebuffer, ABI_FUNCTION(void *) pin_return},
    {Py_tp_doc, "One reference to a payload, or a loan, which views of the payload keep."},
    {0, NULL},
};
PyType_Spec pin_spec = {
    .name = "rusted_ring.native._core.Pin",
    .basicsize = sizeof(pin),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = pin_slots,
};

/* ------------------------------------------------------------------------------------------------- pointers and loans */

typedef struct pinned {
    PyObject_HEAD
    pin *pin;            /* NULL where the object was not made, or has ended [GIL] */
    PyObject *allocator; /* the EventAllocator; NULL where the object was not made [GIL] */
} pinned;

static int pinned_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((pinned *)self)->allocator);
    return 0;
}

static int pinned_clear(PyObject *self)
{
    Py_CLEAR(((pinned *)self)->allocator);
    return 0;
}

static void pinned_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF((PyObject *)((pinned *)self)->pin);
    Py_XDECREF(((pinned *)self)->allocator);
    object_free(self);
}

PyObject *pinned_new(const made_class *made, PyObject *allocator, owner *of, Py_ssize_t length, int loan, pin **held)
{
    *held = pin_new(of, length, loan);
    PyObject *found = *held == NULL ? NULL : made_new(made, loan ? "Loan" : "RingPtr", 0);
    if (found == NULL) {
        Py_XDECREF((PyObject *)*held);
        return NULL;
    }
    ((pinned *)found)->pin = (pin *)Py_NewRef((PyObject *)*held);
    ((pinned *)found)->allocator = Py_XNewRef(allocator);
    return found;
}

/* Not before its reference was taken, and not after it was given away: the collector, or another thread during a call without
 * the GIL, may show the handle to somebody. */
static int is_live(const pinned *handle)
{
    return handle->pin != NULL && handle->pin->payload != NULL;
}

/* The pin for a use; NULL with an error where the object was not made or has ended, or is a forked parent's. */
static pin *pin_of(PyObject *self, const char *use)
{
    pinned *handle = (pinned *)self;
    const owner *of = handle->pin != NULL         ? handle->pin->owner
                      : handle->allocator != NULL ? ((owned *)handle->allocator)->owner
                                                  : NULL;
    if (of != NULL && of->forks != forks_now())
        return refuse_fork(self, of->state, use);
    if (is_live(handle))
        return handle->pin;
    PyObject *error = PyObject_CallMethod(self, "_ended", "s", use);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return NULL;
}

/* Ends the handle: what the pin holds is given back after the last of its views [VIEW-2, LOAN-8]. */
static void let_go(PyObject *self)
{
    pin *before = ((pinned *)self)->pin;
    ((pinned *)self)->pin = NULL;
    Py_XDECREF((PyObject *)before);
}

static PyObject *pinned_get_released(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(!is_live((pinned *)self));
}

static PyObject *pinned_get_data(PyObject *self, void *use)
{
    pin *held = pin_of(self, use);
    if (held == NULL)
        return NULL;
    /* Making the view may run the collector, and that anything, `drop` too. */
    Py_INCREF((PyObject *)held);
    PyObject *view = PyMemoryView_FromObject((PyObject *)held);
    Py_DECREF((PyObject *)held);
    return view;
}

/* The pin's own buffer, so that it is the pin that a view keeps [VIEW-8]. */
static int pinned_lend(PyObject *self, Py_buffer *view, int flags)
{
    pin *held = pin_of(self, "memoryview");
    view->obj = NULL;
    return held == NULL ? -1 : PyObject_GetBuffer((PyObject *)held, view, flags);
}

static PyObject *pinned_get_len(PyObject *self, void *use)
{
    pin *held = pin_of(self, use);
    return held == NULL ? NULL : PyLong_FromSsize_t(held->length);
}

static PyObject *pinned_get_event_type(PyObject *self, void *use)
{
    pin *held = pin_of(self, use);
    return held == NULL ? NULL : PyLong_FromUnsignedLong(rr_payload_event_type(held->payload));
}

/* _token(use): the token of the slot, for a use. */
static PyObject *pinned_token(PyObject *self, PyObject *use)
{
    const char *name = PyUnicode_AsUTF8AndSize(use, NULL);
    pin *held = name == NULL ? NULL : pin_of(self, name);
    return held == NULL ? NULL : PyLong_FromUnsignedLongLong(rr_payload_token(held->owner->object, held->payload));
}

/* What repr shows: the token and the length, or None after the end. */
static PyObject *pinned_shown(PyObject *self, PyObject *none)
{
    (void)none;
    const pin *held = ((pinned *)self)->pin;
    if (!is_live((pinned *)self))
        Py_RETURN_NONE;
    return Py_BuildValue("(Kn)", (unsigned long long)rr_payload_token(held->owner->object, held->payload), held->length);
}

static PyObject *pinned_enter(PyObject *self, PyObject *none)
{
    (void)none;
    return pin_of(self, "with") == NULL ? NULL : Py_NewRef(self);
}

static PyObject *pinned_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    (void)arguments;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "__exit__() takes 3 arguments (%zd given)", count);
    let_go(self);
    Py_RETURN_NONE;
}

static PyMethodDef pinned_methods[] = {
    {"_token", pinned_token, METH_O, "_token(use): the token of the slot, for a use."},
    {"_shown", pinned_shown, METH_NOARGS, "The token and the length; None after the end."},
    {"__enter__", pinned_enter, METH_NOARGS, DOC("__enter__($self, /)", "Return the handle.")},
    {"__exit__", FASTCALL(pinned_exit), METH_FASTCALL,
     DOC("__exit__($self, /, kind, error, traceback)", "End the handle; a view that is alive keeps the slot [VIEW-2, LOAN-8].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef pinned_getset[] = {
    {"data", pinned_get_data, NULL,
     "A view of the payload, format `B`, which pins the slot; a loan's is writable [VIEW-1, VIEW-2, LOAN-1].", "data"},
    {"len", pinned_get_len, NULL, "Length of the payload in bytes [PTR-7, LOAN-1].", "len"},
    {"event_type", pinned_get_event_type, NULL, "The event's type [PTR-7, LOAN-1].", "event_type"},
    {"released", pinned_get_released, NULL, "Whether the handle has ended [PTR-6, LOAN-7].", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMemberDef pinned_members[] = {
    {"_allocator", T_OBJECT_EX, offsetof(pinned, allocator), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot pinned_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) pinned_dealloc},
    {Py_tp_traverse, ABI_FUNCTION(void *) pinned_traverse},
    {Py_tp_clear, ABI_FUNCTION(void *) pinned_clear},
    {Py_tp_methods, pinned_methods},
    {Py_tp_getset, pinned_getset},
    {Py_tp_members, pinned_members},
    {Py_bf_getbuffer, ABI_FUNCTION(void *) pinned_lend},
    {Py_tp_doc, "What holds a slot through a pin."},
    {0, NULL},
};
PyType_Spec pinned_spec = {
    .name = "rusted_ring.native._core.Pinned",
    .basicsize = sizeof(pinned),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = pinned_slots,
};

/* ---------------------------------------------------------------------------------------------------------- pointers */

static PyObject *pointer_clone(PyObject *self, PyObject *none)
{
    (void)none;
    pin *held = pin_of(self, "clone");
    if (held == NULL)
        return NULL;
    pin *holding;
    PyObject *made = pinned_new(&held->owner->state->pointer, ((pinned *)self)->allocator, held->owner, held->length, 0,
                                &holding);
    if (made == NULL)
        return NULL;
    held = pin_of(self, "clone"); /* what was made may have run anything */
    rr_status status = held == NULL ? RR_OK : rr_clone_payload(held->owner->object, held->payload);
    if (held != NULL && status == RR_OK) {
        holding->length = held->length;
        holding->payload = held->payload;
    }
    Py_DECREF((PyObject *)holding);
    if (held != NULL && status == RR_OK)
        return made;
    Py_DECREF(made);
    return held == NULL ? NULL : refuse(self, "_refuse_clone", Py_BuildValue("(i)", (int)status));
}

static PyObject *pointer_drop(PyObject *self, PyObject *none)
{
    (void)none;
    let_go(self);
    Py_RETURN_NONE;
}

static PyObject *pointer_into_token(PyObject *self, PyObject *none)
{
    (void)none;
    pin *held = pin_of(self, "into_token");
    if (held == NULL)
        return NULL;
    PyObject *token = PyLong_FromUnsignedLongLong(rr_payload_token(held->owner->object, held->payload));
    if (token == NULL)
        return NULL;
    if (held->views != 0) {
        Py_DECREF(token);
        return refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "into_token"));
    }
    uint8_t *payload = held->payload;
    held->payload = NULL;
    (void)rr_into_token(held->owner->object, payload);
    let_go(self);
    return token;
}

/* The RingPtr of a loose reference, or with `self` that one is made to be it. */
static PyObject *pointer_from(PyObject *self, const state *state, uint64_t token, PyObject *allocator)
{
    owner *of = owned_argument(allocator, state->allocator_type, "allocator");
    if (of == NULL)
        return NULL;
    pin *holding;
    if (self == NULL)
        self = pinned_new(&state->pointer, allocator, of, 0, 0, &holding);
    else if ((holding = pin_new(of, 0, 0)) != NULL)
        Py_INCREF(self);
    else
        self = NULL;
    if (self == NULL)
        return NULL;
    rr_status status = RR_OK;
    const uint8_t *payload = rr_from_token(of->object, token, &status);
    pinned *handle = (pinned *)self;
    if (payload != NULL) {
        pin_take(holding, payload);
        if (handle->allocator == NULL) { /* the constructor's */
            handle->pin = (pin *)Py_NewRef((PyObject *)holding);
            handle->allocator = Py_NewRef(allocator);
        }
    }
    Py_DECREF((PyObject *)holding);
    if (payload != NULL)
        return self;
    Py_DECREF(self);
    return refuse(allocator, "_refuse_named", Py_BuildValue("(iK)", (int)status, (unsigned long long)token));
}

/* _become(token, allocator), for the constructor: both are checked. */
static PyObject *pointer_become(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    uint64_t token;
    if (count != 2 || !take_u64(arguments[0], &token))
        return PyErr_Format(PyExc_TypeError, "_become takes a token and an allocator");
    if (((pinned *)self)->allocator != NULL)
        return PyErr_Format(PyExc_TypeError,
                            "RingPtr is made already: it cannot be made anew in its place; call RingPtr() for another");
    const state *state = state_of_type(Py_TYPE(self));
    return state == NULL ? NULL : pointer_from(self, state, token, arguments[1]);
}

/* token, allocator of a class method. */
static PyObject *pointer_from_token(PyObject *type, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {TOKEN, ALLOCATOR};
    PyObject *placed[2];
    PyObject *checked = NULL;
    uint64_t token;
    const state *state = state_of_type((PyTypeObject *)type);
    if (state == NULL)
        return NULL;
    if (!place_arguments(state, arguments, count, given, wanted, 2, 2, 2, placed) || !take_u64(placed[0], &token)
        || !PyObject_TypeCheck(placed[1], state->allocator_type)) {
        checked = checked_arguments(type, "_token_arguments", arguments, count, given, 2, placed);
        if (checked == NULL)
            return NULL;
        if (!take_u64(placed[0], &token)) {
            Py_DECREF(checked);
            return not_usual("_token_arguments");
        }
    }
    PyObject *made = pointer_from(NULL, state, token, placed[1]);
    Py_XDECREF(checked);
    return made;
}

static PyObject *pointer_get_bytes(PyObject *self, void *use)
{
    pin *held = pin_of(self, use);
    return held == NULL ? NULL : PyBytes_FromStringAndSize((const char *)held->payload, held->length);
}

static PyObject *pointer_get_ref_count(PyObject *self, void *use)
{
    pin *held = pin_of(self, use);
    return held == NULL ? NULL : PyLong_FromUnsignedLong(rr_payload_ref_count(held->owner->object, held->payload));
}

/* ------------------------------------------------------------------------------------------------------ weak pointers */

typedef struct weak {
    PyObject_HEAD
    uint64_t token;
    PyObject *allocator; /* the EventAllocator; NULL where the object was not made; set with the token [GIL] */
} weak;

static int weak_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((weak *)self)->allocator);
    return 0;
}

static int weak_clear(PyObject *self)
{
    Py_CLEAR(((weak *)self)->allocator);
    return 0;
}

static void weak_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((weak *)self)->allocator);
    object_free(self);
}

static weak *weak_made(PyObject *self)
{
    if (((weak *)self)->allocator != NULL)
        return (weak *)self;
    PyErr_SetString(PyExc_AttributeError, "the object was not made: its class was not called, or __init__ failed");
    return NULL;
}

/* _become(token, allocator): both are checked. */
static PyObject *weak_become(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    weak *made = (weak *)self;
    uint64_t token;
    if (count != 2 || !take_u64(arguments[0], &token))
        return PyErr_Format(PyExc_TypeError, "_become takes a token and an allocator");
    const state *state = state_of_type(Py_TYPE(self));
    if (state == NULL || owned_argument(arguments[1], state->allocator_type, "allocator") == NULL)
        return NULL;
    if (made->allocator != NULL)
        return PyErr_Format(PyExc_TypeError, "WeakRingPtr is made already: it cannot be made anew in its place; call "
                                             "WeakRingPtr() for another");
    made->token = token;
    made->allocator = Py_NewRef(arguments[1]);
    return Py_NewRef(self);
}

static PyObject *weak_upgrade(PyObject *self, PyObject *none)
{
    (void)none;
    weak *made = weak_made(self);
    if (made == NULL)
        return NULL;
    owner *of = ((owned *)made->allocator)->owner;
    if (of->forks != forks_now())
        return refuse_fork(self, of->state, "upgrade");
    pin *holding;
    PyObject *found = pinned_new(&of->state->pointer, made->allocator, of, 0, 0, &holding);
    if (found == NULL)
        return NULL;
    rr_status status = RR_OK;
    const uint8_t *payload = rr_upgrade(of->object, made->token, &status);
    if (payload != NULL)
        pin_take(holding, payload);
    Py_DECREF((PyObject *)holding);
    if (payload != NULL)
        return found;
    Py_DECREF(found);
    return refuse(made->allocator, "_refuse_named", Py_BuildValue("(iK)", (int)status, (unsigned long long)made->token));
}

static PyObject *weak_get_token(PyObject *self, void *unused)
{
    (void)unused;
    weak *made = weak_made(self);
    return made == NULL ? NULL : PyLong_FromUnsignedLongLong(made->token);
}

static PyObject *weak_get_allocator(PyObject *self, void *unused)
{
    (void)unused;
    weak *made = weak_made(self);
    return made == NULL ? NULL : Py_NewRef(made->allocator);
}

static PyMethodDef weak_methods[] = {
    {"_become", FASTCALL(weak_become), METH_FASTCALL, "_become(token, allocator): what it names."},
    {"upgrade", weak_upgrade, METH_NOARGS,
     DOC("upgrade($self, /)",
         "Return a pointer to the event, one reference more, in one atomic step [WEAK-2].\n\n"
         "Raises:\n"
         "    StaleHandle: the slot is not LIVE with this generation [WEAK-3].\n"
         "    RefCountOverflow: the slot's counter is full [SLOT-10].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef weak_getset[] = {
    {"token", weak_get_token, NULL, "The token of the triple [WEAK-6, PTR-10].", NULL},
    {"allocator", weak_get_allocator, NULL, "The allocator that the event is in [WEAK-7].", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot weak_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) weak_dealloc},
    {Py_tp_traverse, ABI_FUNCTION(void *) weak_traverse},
    {Py_tp_clear, ABI_FUNCTION(void *) weak_clear},
    {Py_tp_methods, weak_methods},
    {Py_tp_getset, weak_getset},
    {Py_tp_doc, "The name of an event, without a reference."},
    {0, NULL},
};
PyType_Spec weak_spec = {
    .name = "rusted_ring.native._core.Weak",
    .basicsize = sizeof(weak),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = weak_slots,
};

static PyObject *pointer_downgrade(PyObject *self, PyObject *none)
{
    (void)none;
    pin *held = pin_of(self, "downgrade");
    if (held == NULL)
        return NULL;
    uint64_t token = rr_payload_token(held->owner->object, held->payload);
    weak *made = (weak *)made_new(&held->owner->state->weak, "WeakRingPtr", 0);
    if (made == NULL)
        return NULL;
    made->token = token;
    made->allocator = Py_XNewRef(((pinned *)self)->allocator);
    return (PyObject *)made;
}

#define POINTER_CLONE_TEXT                                                                                              \
    "Return another pointer to the event, one reference more [PTR-2].\n\n"                                              \
    "Raises:\n"                                                                                                         \
    "    ReleasedHandle: the pointer was dropped.\n"                                                                    \
    "    RefCountOverflow: the slot's counter is full [SLOT-10]."

static PyMethodDef pointer_methods[] = {
    {"_become", FASTCALL(pointer_become), METH_FASTCALL, "_become(token, allocator): the pointer of a loose reference."},
    {"clone", pointer_clone, METH_NOARGS, DOC("clone($self, /)", POINTER_CLONE_TEXT)},
    {"__copy__", pointer_clone, METH_NOARGS, DOC("__copy__($self, /)", POINTER_CLONE_TEXT)},
    {"drop", pointer_drop, METH_NOARGS,
     DOC("drop($self, /)", "Give the reference back, once no view is left; a second call does nothing [PTR-3, VIEW-2].")},
    {"downgrade", pointer_downgrade, METH_NOARGS,
     DOC("downgrade($self, /)",
         "Return a weak pointer to the event; no count changes [WEAK-1].\n\n"
         "Raises:\n"
         "    ReleasedHandle: the pointer was dropped.")},
    {"into_token", pointer_into_token, METH_NOARGS,
     DOC("into_token($self, /)",
         "Turn the reference into a loose one and return its token; the pointer is released [PTR-12].\n\n"
         "Raises:\n"
         "    ReleasedHandle: the pointer was dropped.\n"
         "    ViewsOutstanding: a view of the pointer is alive [PTR-17].")},
    {"from_token", FASTCALL(pointer_from_token), METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     DOC("from_token($type, /, token, allocator)",
         "Turn a loose reference into a pointer; the count stays as it is [PTR-13].\n\n"
         "Args:\n"
         "    token: what `into_token`, `allocate_many` or `handle_ffi_event` returned.\n"
         "    allocator: the allocator that it is of.\n\n"
         "Raises:\n"
         "    TypeError: `token` is not an integer, or the allocator is not one.\n"
         "    ValueError: the token names no pool, slot and generation of the allocator [PTR-16].\n"
         "    StaleHandle: the slot is not LIVE with that generation [PTR-15].\n"
         "    RefCountUnderflow: it has no loose reference [PTR-14].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef pointer_getset[] = {
    {"bytes", pointer_get_bytes, NULL, "A copy of the payload [PTR-7].", "bytes"},
    {"ref_count", pointer_get_ref_count, NULL, "References to the slot at this moment [SLOT-1].", "ref_count"},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot pointer_slots[] = {
    {Py_tp_methods, pointer_methods},
    {Py_tp_getset, pointer_getset},
    {Py_tp_doc, "The calls of a pointer."},
    {0, NULL},
};
PyType_Spec pointer_spec = {
    .name = "rusted_ring.native._core.Pointer",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* and the collection of its base */
    .slots = pointer_slots,
};

/* ------------------------------------------------------------------------------------------------------------- loans */

static PyObject *loan_commit(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {LENGTH};
    PyObject *placed[1];
    uint64_t kept;
    pin *held = pin_of(self, "commit");
    if (held == NULL)
        return NULL;
    int all = count == 0 && given == NULL;
    if (!all
        && !(place_arguments(held->owner->state, arguments, count, given, wanted, 1, 1, 1, placed) && take_u64(placed[0], &kept)
             && kept <= (uint64_t)held->length)) {
        PyObject *checked = in_python(self, "_commit_arguments", arguments, count, given);
        if (checked == NULL)
            return NULL;
        int usual = take_u64(checked, &kept);
        Py_DECREF(checked);
        if (!usual)
            return not_usual("_commit_arguments");
        if ((held = pin_of(self, "commit")) == NULL)
            return NULL;
    }
    if (all)
        kept = (uint64_t)held->length;
    if (held->views != 0)
        return refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "commit"));
    pin *holding;
    Py_INCREF((PyObject *)held);
    PyObject *made = pinned_new(&held->owner->state->pointer, ((pinned *)self)->allocator, held->owner, (Py_ssize_t)kept, 0,
                                &holding);
    if (made != NULL && (pin_of(self, "commit") != held || held->views != 0)) { /* the collector ran something */
        Py_DECREF((PyObject *)holding);
        Py_CLEAR(made);
        if (!PyErr_Occurred())
            (void)refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "commit"));
    }
    if (made == NULL) {
        Py_DECREF((PyObject *)held);
        return NULL;
    }
    /* Taken out first: an XXL loan that is cut short is copied without the GIL. */
    uint8_t *loan = held->payload;
    held->payload = NULL;
    const uint8_t *payload;
    rr_status status = RR_OK;
    if (kept > LONG_BYTES) {
        Py_BEGIN_ALLOW_THREADS
        payload = rr_commit(held->owner->object, loan, kept, &status);
        Py_END_ALLOW_THREADS
    } else {
        payload = rr_commit(held->owner->object, loan, kept, &status);
    }
    if (payload != NULL) {
        holding->payload = (uint8_t *)(uintptr_t)payload;
        if (((pinned *)self)->pin == held)
            let_go(self);
    } else {
        held->payload = loan;
        Py_CLEAR(made);
        if (status == RR_NO_MEMORY)
            (void)PyErr_NoMemory();
        else
            (void)PyErr_Format(PyExc_ValueError, "length is %llu: %s", (unsigned long long)kept, rr_status_text(status));
    }
    Py_DECREF((PyObject *)holding);
    Py_DECREF((PyObject *)held);
    return made;
}

static PyObject *loan_abort(PyObject *self, PyObject *none)
{
    (void)none;
    pin *held = ((pinned *)self)->pin;
    if (is_live((pinned *)self) && held->owner->forks == forks_now()) {
        if (held->views != 0)
            return refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "abort"));
        uint8_t *loan = held->payload;
        held->payload = NULL;
        rr_abort(held->owner->object, loan);
    }
    let_go(self);
    Py_RETURN_NONE;
}

static PyMethodDef loan_methods[] = {
    {"commit", FASTCALL(loan_commit), METH_FASTCALL | METH_KEYWORDS,
     DOC("commit($self, /, length=None)",
         "Make what was written an event and return the pointer to it [LOAN-3].\n\n"
         "Args:\n"
         "    length: bytes to keep from the start; None for all.\n\n"
         "Raises:\n"
         "    ReleasedHandle: the loan has ended.\n"
         "    TypeError: `length` is not an integer.\n"
         "    ValueError: it is below 0 or above the loan's [LOAN-4].\n"
         "    ViewsOutstanding: a view of the loan is alive [LOAN-6].")},
    {"abort", loan_abort, METH_NOARGS,
     DOC("abort($self, /)",
         "Give the slot back; after the loan's end, do nothing [LOAN-5, LOAN-7].\n\n"
         "Raises:\n"
         "    ViewsOutstanding: a view of the loan is alive [LOAN-6].")},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot loan_slots[] = {
    {Py_tp_methods, loan_methods},
    {Py_tp_doc, "The calls of a loan."},
    {0, NULL},
};
PyType_Spec loan_spec = {
    .name = "rusted_ring.native._core.Lender",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* and the collection of its base */
    .slots = loan_slots,
};
