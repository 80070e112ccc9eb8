/* Pins; RingPtr and Loan, which hold a slot through a pin; WeakRingPtr, which holds none. */
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
        PyErr_SetString(PyExc_BufferError, "the pointer or loan has ended, and its pin has no payload");
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
    {Py_tp_doc, "One reference to a payload, or a loan; views of the payload keep it alive."},
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
    pin *pin;            /* NULL if the object is not initialized, or has ended [GIL] */
    PyObject *allocator; /* the EventAllocator; NULL if the object is not initialized [GIL] */
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

PyObject *pinned_new(const python_class *made, PyObject *allocator, owner *of, Py_ssize_t length, int loan, pin **held)
{
    *held = pin_new(of, length, loan);
    PyObject *found = *held == NULL ? NULL : python_class_new(made, loan ? "Loan" : "RingPtr", 0);
    if (found == NULL) {
        Py_XDECREF((PyObject *)*held);
        return NULL;
    }
    ((pinned *)found)->pin = (pin *)Py_NewRef((PyObject *)*held);
    ((pinned *)found)->allocator = Py_XNewRef(allocator);
    return found;
}

/* Whether the object has its reference. It has none while a call is making it, and none after it was detached or committed. Code
 * that the garbage collector runs, or another thread during a call without the GIL, may see it in these states. */
static int is_live(const pinned *object)
{
    return object->pin != NULL && object->pin->payload != NULL;
}

/* The pin, for a call named `use`; NULL with an error if the object is not initialized, has ended, or a parent process made it. */
static pin *pin_of(PyObject *self, const char *use)
{
    pinned *object = (pinned *)self;
    const owner *of = object->pin != NULL         ? object->pin->owner
                      : object->allocator != NULL ? ((owned *)object->allocator)->owner
                                                  : NULL;
    if (of != NULL && of->forks != forks_now())
        return refuse_fork(self, of->state, use);
    if (is_live(object))
        return object->pin;
    PyObject *error = PyObject_CallMethod(self, "_ended", "s", use);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return NULL;
}

/* Ends the object: the pin releases its reference or loan after the last of its views [VIEW-2, LOAN-8]. */
static void release_pin(PyObject *self)
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
    /* Making the view may run the garbage collector, and so any Python code, also `drop`. */
    Py_INCREF((PyObject *)held);
    PyObject *view = PyMemoryView_FromObject((PyObject *)held);
    Py_DECREF((PyObject *)held);
    return view;
}

/* The buffer of the pin, so that a view keeps the pin alive, and not this object [VIEW-8]. */
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

/* _token(use): the token of the slot; `use` is the name of the call, for an error. */
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
    release_pin(self);
    Py_RETURN_NONE;
}

static PyMethodDef pinned_methods[] = {
    {"_token", pinned_token, METH_O, "_token(use): the token of the slot."},
    {"_shown", pinned_shown, METH_NOARGS, "The token and the length; None after the end."},
    {"__enter__", pinned_enter, METH_NOARGS, DOC("__enter__($self, /)", "Return the pointer or loan.")},
    {"__exit__", FASTCALL(pinned_exit), METH_FASTCALL,
     DOC("__exit__($self, /, kind, error, traceback)",
         "End the pointer or loan; the slot is released after its last view [VIEW-2, LOAN-8].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef pinned_getset[] = {
    {"data", pinned_get_data, NULL,
     "A view of the payload, format `B`, which keeps the slot; writable if it is a loan's [VIEW-1, VIEW-2, LOAN-1].", "data"},
    {"len", pinned_get_len, NULL, "Payload length in bytes [PTR-7, LOAN-1].", "len"},
    {"event_type", pinned_get_event_type, NULL, "The event's type [PTR-7, ALLOC-23].", "event_type"},
    {"released", pinned_get_released, NULL, "Whether the pointer or loan has ended [PTR-6, LOAN-7].", NULL},
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
    {Py_tp_doc, "The base class of pointers and loans, which hold a slot through a pin."},
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
    held = pin_of(self, "clone"); /* making the object may have run any Python code */
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
    release_pin(self);
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
    release_pin(self);
    return token;
}

/* Attaches a detached reference to `self` or, if that is NULL, to a new RingPtr. */
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
    pinned *object = (pinned *)self;
    if (payload != NULL) {
        pin_take(holding, payload);
        if (object->allocator == NULL) { /* `self` is not initialized */
            object->pin = (pin *)Py_NewRef((PyObject *)holding);
            object->allocator = Py_NewRef(allocator);
        }
    }
    Py_DECREF((PyObject *)holding);
    if (payload != NULL)
        return self;
    Py_DECREF(self);
    return refuse(allocator, "_refuse_named", Py_BuildValue("(iK)", (int)status, (unsigned long long)token));
}

/* _become(token, allocator), for the constructor, which has checked both. */
static PyObject *pointer_become(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    uint64_t token;
    if (count != 2 || !take_u64(arguments[0], &token))
        return PyErr_Format(PyExc_TypeError, "_become takes a token and an allocator");
    if (((pinned *)self)->allocator != NULL)
        return PyErr_Format(PyExc_TypeError,
                            "self is a RingPtr that is initialized already: __init__ cannot run again; call RingPtr(...) for another");
    const state *state = state_of_type(Py_TYPE(self));
    return state == NULL ? NULL : pointer_from(self, state, token, arguments[1]);
}

/* from_token(token, allocator), a class method. */
static PyObject *pointer_from_token(PyObject *type, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {TOKEN, ALLOCATOR};
    PyObject *bound[2];
    PyObject *checked = NULL;
    uint64_t token;
    const state *state = state_of_type((PyTypeObject *)type);
    if (state == NULL)
        return NULL;
    if (!bind_arguments(state, arguments, count, given, wanted, 2, 2, 2, bound) || !take_u64(bound[0], &token)
        || !PyObject_TypeCheck(bound[1], state->allocator_type)) {
        checked = checked_arguments(type, "_token_arguments", arguments, count, given, 2, bound);
        if (checked == NULL)
            return NULL;
        if (!take_u64(bound[0], &token)) {
            Py_DECREF(checked);
            return unexpected_result("_token_arguments");
        }
    }
    PyObject *made = pointer_from(NULL, state, token, bound[1]);
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
    PyObject *allocator; /* the EventAllocator; NULL if the object is not initialized; set together with the token [GIL] */
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
    PyErr_SetString(PyExc_AttributeError, "self is not initialized: __init__ was not called, or failed; call the class to make an object");
    return NULL;
}

/* _become(token, allocator), for the constructor and from_token, which have checked both. */
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
        return PyErr_Format(PyExc_TypeError, "self is a WeakRingPtr that is initialized already: __init__ cannot run again; call "
                                             "WeakRingPtr(...) for another");
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
    {"_become", FASTCALL(weak_become), METH_FASTCALL, "_become(token, allocator): initialize the weak pointer."},
    {"upgrade", weak_upgrade, METH_NOARGS,
     DOC("upgrade($self, /)",
         "Return a pointer to the event and increment the reference count, in one atomic step [WEAK-2].\n\n"
         "Raises:\n"
         "    StaleHandle: the slot is not LIVE with this generation [WEAK-3].\n"
         "    RefCountOverflow: the slot's counter is at its maximum [SLOT-10].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef weak_getset[] = {
    {"token", weak_get_token, NULL, "The token of the triple [WEAK-6, PTR-10].", NULL},
    {"allocator", weak_get_allocator, NULL, "The allocator of the slot [WEAK-7, ALLOC-24].", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot weak_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) weak_dealloc},
    {Py_tp_traverse, ABI_FUNCTION(void *) weak_traverse},
    {Py_tp_clear, ABI_FUNCTION(void *) weak_clear},
    {Py_tp_methods, weak_methods},
    {Py_tp_getset, weak_getset},
    {Py_tp_doc, "The base class of weak pointers, which name an event without a reference to it."},
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
    weak *made = (weak *)python_class_new(&held->owner->state->weak, "WeakRingPtr", 0);
    if (made == NULL)
        return NULL;
    made->token = token;
    made->allocator = Py_XNewRef(((pinned *)self)->allocator);
    return (PyObject *)made;
}

#define POINTER_CLONE_TEXT                                                                                              \
    "Return another pointer to the same slot, and increment the reference count [PTR-2].\n\n"                           \
    "Raises:\n"                                                                                                         \
    "    ReleasedHandle: the pointer was dropped.\n"                                                                    \
    "    RefCountOverflow: the slot's counter is at its maximum [SLOT-10]."

static PyMethodDef pointer_methods[] = {
    {"_become", FASTCALL(pointer_become), METH_FASTCALL, "_become(token, allocator): attach a detached reference."},
    {"clone", pointer_clone, METH_NOARGS, DOC("clone($self, /)", POINTER_CLONE_TEXT)},
    {"__copy__", pointer_clone, METH_NOARGS, DOC("__copy__($self, /)", POINTER_CLONE_TEXT)},
    {"drop", pointer_drop, METH_NOARGS,
     DOC("drop($self, /)",
         "Release the reference, after the last view if there are views; a second call does nothing [PTR-3, VIEW-2].")},
    {"downgrade", pointer_downgrade, METH_NOARGS,
     DOC("downgrade($self, /)",
         "Return a weak pointer to the event; the reference count does not change [WEAK-1].\n\n"
         "Raises:\n"
         "    ReleasedHandle: the pointer was dropped.")},
    {"into_token", pointer_into_token, METH_NOARGS,
     DOC("into_token($self, /)",
         "Detach the pointer's reference and return its token; the reference count does not change [PTR-12].\n\n"
         "Raises:\n"
         "    ReleasedHandle: the pointer was dropped.\n"
         "    ViewsOutstanding: a view of the pointer's data is alive [PTR-17].")},
    {"from_token", FASTCALL(pointer_from_token), METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     DOC("from_token($type, /, token, allocator)",
         "Turn a detached reference into a pointer; the reference count does not change [PTR-13].\n\n"
         "Args:\n"
         "    token: a token that `into_token`, `allocate_many` or `handle_ffi_event` returned.\n"
         "    allocator: the allocator of the token.\n\n"
         "Raises:\n"
         "    TypeError: an argument has a wrong type.\n"
         "    ValueError: the allocator has no such pool, slot or generation [PTR-16].\n"
         "    StaleHandle: the slot is not LIVE with that generation [PTR-15].\n"
         "    RefCountUnderflow: the slot has no detached reference [PTR-14].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef pointer_getset[] = {
    {"bytes", pointer_get_bytes, NULL, "A copy of the payload [PTR-7].", "bytes"},
    {"ref_count", pointer_get_ref_count, NULL, "The number of references to the slot now [SLOT-14].", "ref_count"},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot pointer_slots[] = {
    {Py_tp_methods, pointer_methods},
    {Py_tp_getset, pointer_getset},
    {Py_tp_doc, "The methods of a pointer that are written in C."},
    {0, NULL},
};
PyType_Spec pointer_spec = {
    .name = "rusted_ring.native._core.Pointer",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* garbage collection is inherited from the base */
    .slots = pointer_slots,
};

/* ------------------------------------------------------------------------------------------------------------- loans */

static PyObject *loan_commit(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {LENGTH};
    PyObject *bound[1];
    uint64_t kept;
    pin *held = pin_of(self, "commit");
    if (held == NULL)
        return NULL;
    int all = count == 0 && given == NULL;
    if (!all
        && !(bind_arguments(held->owner->state, arguments, count, given, wanted, 1, 1, 1, bound) && take_u64(bound[0], &kept)
             && kept <= (uint64_t)held->length)) {
        PyObject *checked = call_python(self, "_commit_arguments", arguments, count, given);
        if (checked == NULL)
            return NULL;
        int taken = take_u64(checked, &kept);
        Py_DECREF(checked);
        if (!taken)
            return unexpected_result("_commit_arguments");
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
    if (made != NULL && (pin_of(self, "commit") != held || held->views != 0)) { /* the garbage collector ran Python code */
        Py_DECREF((PyObject *)holding);
        Py_CLEAR(made);
        if (!PyErr_Occurred())
            (void)refuse(self, "_refuse_viewed", Py_BuildValue("(s)", "commit"));
    }
    if (made == NULL) {
        Py_DECREF((PyObject *)held);
        return NULL;
    }
    /* The pin gives up the loan first: shortening a loan of class XXL copies it without the GIL. */
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
            release_pin(self);
    } else {
        held->payload = loan;
        Py_CLEAR(made);
        if (status == RR_NO_MEMORY)
            (void)PyErr_NoMemory();
        else
            (void)PyErr_Format(PyExc_ValueError, "length is %llu: %s; pass a length within the loan", (unsigned long long)kept,
                               rr_status_text(status));
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
    release_pin(self);
    Py_RETURN_NONE;
}

static PyMethodDef loan_methods[] = {
    {"commit", FASTCALL(loan_commit), METH_FASTCALL | METH_KEYWORDS,
     DOC("commit($self, /, length=None)",
         "Make the bytes written an event, and return a pointer to it [LOAN-3].\n\n"
         "Args:\n"
         "    length: how many bytes to keep from the start; None for all.\n\n"
         "Raises:\n"
         "    ReleasedHandle: the loan has ended.\n"
         "    TypeError: `length` is not an integer.\n"
         "    ValueError: `length` is below 0 or above the loan's length [LOAN-4].\n"
         "    ViewsOutstanding: a view of the loan's data is alive [LOAN-6].")},
    {"abort", loan_abort, METH_NOARGS,
     DOC("abort($self, /)",
         "Free the slot; after the loan's end, do nothing [LOAN-5, LOAN-7].\n\n"
         "Raises:\n"
         "    ViewsOutstanding: a view of the loan's data is alive [LOAN-6].")},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot loan_slots[] = {
    {Py_tp_methods, loan_methods},
    {Py_tp_doc, "The methods of a loan that are written in C."},
    {0, NULL},
};
PyType_Spec loan_spec = {
    .name = "rusted_ring.native._core.Lender",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* garbage collection is inherited from the base */
    .slots = loan_slots,
};
