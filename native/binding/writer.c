/* Writer: publishing, and waiting for room. */
#include "binding.h"

static void writer_end(void *object)
{
    rr_writer_free(object);
}

/* _open(ringbuffer): a status. */
static PyObject *writer_open(PyObject *self, PyObject *ringbuffer)
{
    state *state = owned_unmade(self) < 0 ? NULL : state_of_type(Py_TYPE(self));
    owner *ring = state == NULL ? NULL : owned_argument(ringbuffer, state->ring_type, "ringbuffer");
    owner *held = ring == NULL ? NULL : owner_new(state, writer_end, ring);
    if (held == NULL)
        return NULL;
    rr_status status = RR_OK;
    held->object = rr_writer_open(ring->object, &status);
    if (held->object == NULL) {
        Py_DECREF((PyObject *)held);
        return PyLong_FromLong(status);
    }
    return owned_become(self, held, ringbuffer) < 0 ? NULL : PyLong_FromLong(RR_OK);
}

static rr_status sleep_until_room(void *writer, uint64_t sequence, int64_t nanoseconds)
{
    (void)sequence;
    rr_status status = rr_writer_wait(writer, nanoseconds);
    return status == RR_FULL ? RR_EMPTY : status;
}

/* Waits for room or the writer's end: 1 to add again, 0 if the time is up, -1 with an error. */
static int wait_for_room(PyObject *self, owner *held, int64_t until, const char *use)
{
    return until == NO_WAIT ? 0 : owner_sleep(self, held, until, use, sleep_until_room, 0);
}

/* Adds an event before the deadline; returns the status, or -1 with an error. */
static int add_in_time(PyObject *self, owner *held, const event *taken)
{
    uint64_t length = (uint64_t)taken->payload.length;
    for (;;) {
        if (owner_ready(self, held, "add") < 0)
            return -1;
        /* With an open reservation the call is refused at once; the GIL keeps the reservation from ending meanwhile. */
        PyThreadState *thread = begin_long(held, length > LONG_BYTES && held->lent == NULL);
        rr_status status = rr_writer_add(held->object, taken->payload.data, length, taken->event_type);
        end_long(held, thread);
        int again = status == RR_FULL ? wait_for_room(self, held, taken->until, "add") : 0;
        if (again <= 0)
            return again < 0 ? -1 : (int)status;
    }
}

static PyObject *writer_add(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    event taken;
    PyObject *checked;
    owner *held = owned_use(self, "add");
    if (held == NULL
        || event_arguments(self, held->state, "_event_arguments", arguments, count, given, TIMEOUT, &taken, &checked) < 0)
        return NULL;
    unsigned long long length = (unsigned long long)taken.payload.length;
    int status = add_in_time(self, held, &taken);
    payload_end(&taken.payload);
    Py_XDECREF(checked);
    if (status < 0)
        return NULL;
    if (status == RR_OK)
        Py_RETURN_TRUE;
    if (status == RR_FULL)
        Py_RETURN_FALSE;
    return refuse(self, "_refuse", Py_BuildValue("(issK)", status, "add", "data", length));
}

/* Adds events of a batch before the deadline, and writes how many to `done`; returns the status, or -1 with an error. */
static int add_many_in_time(PyObject *self, owner *held, const batch *taken, size_t *done, size_t *failed)
{
    const char *data = taken->data;
    for (*done = 0;;) {
        if (owner_ready(self, held, "add_many") < 0)
            return -1;
        size_t rest = taken->count - *done, added = 0;
        /* The first call checks all events. A later one gets no more events than may fit. */
        size_t most = *done == 0 ? rest : rr_ring_capacity(held->parent->object);
        PyThreadState *thread = begin_long(held, batch_is_long(taken) && held->lent == NULL);
        rr_status status = rr_writer_add_many(held->object, data, taken->lengths == NULL ? NULL : taken->lengths + *done,
                                              taken->length, taken->event_types == NULL ? NULL : taken->event_types + *done,
                                              taken->event_type, rest < most ? rest : most, &added, failed);
        end_long(held, thread);
        if (status != RR_OK)
            return *done == 0 ? (int)status : RR_OK; /* closed meanwhile: return how many events were added [RING-47] */
        *done += added;
        if (*done == taken->count)
            return RR_OK;
        int again = wait_for_room(self, held, taken->until, "add_many");
        if (again <= 0)
            return again < 0 ? -1 : RR_OK;
        for (size_t i = *done - added; i < *done; i++) /* after a wait only: this takes 14 instructions an event */
            data += batch_length(taken, i);
    }
}

static PyObject *writer_add_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    batch taken;
    PyObject *checked;
    owner *held = owned_use(self, "add_many");
    if (held == NULL || batch_arguments(self, held->state, arguments, count, given, 4, &taken, &checked) < 0)
        return NULL;
    size_t added = 0, failed = 0;
    PyObject *answer = PyLong_FromSize_t(taken.count); /* made before an event is published */
    int status = answer == NULL ? -1 : add_many_in_time(self, held, &taken, &added, &failed);
    uint32_t length = status == RR_OK || taken.count == 0 ? 0 : batch_length(&taken, failed);
    size_t events = taken.count;
    batch_end(&taken);
    Py_XDECREF(checked);
    if (status == RR_OK && added == events)
        return answer;
    Py_XDECREF(answer);
    if (status < 0)
        return NULL;
    if (status == RR_OK)
        return PyLong_FromSize_t(added); /* reuses the memory of `answer` */
    return refuse(self, "_refuse_batch", Py_BuildValue("(innI)", status, (Py_ssize_t)failed, (Py_ssize_t)events, length));
}

/* Reserves slots before the deadline; returns the status, or -1 with an error. */
static int reserve_in_time(PyObject *self, owner *held, lent *slots, uint64_t wanted, int64_t until)
{
    for (;;) {
        if (owner_ready(self, held, "reserve") < 0)
            return -1;
        rr_status status = RR_OK;
        size_t reserved = 0;
        uint8_t *memory = rr_writer_reserve(held->object, wanted < SIZE_MAX ? (size_t)wanted : SIZE_MAX, &reserved, &status);
        if (memory != NULL)
            lent_take(slots, memory, reserved);
        int again = status == RR_FULL ? wait_for_room(self, held, until, "reserve") : 0;
        if (again <= 0)
            return again < 0 ? -1 : (int)status;
    }
}

static PyObject *writer_reserve(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int names[] = {EVENTS, TIMEOUT};
    PyObject *bound[2], *checked = NULL;
    uint64_t wanted = 1;
    int64_t until = NO_WAIT;
    owner *held = owned_use(self, "reserve");
    if (held == NULL)
        return NULL;
    if (!bind_arguments(held->state, arguments, count, given, names, 1, 2, 0, bound)
        || !(bound[0] == NULL || (take_u64(bound[0], &wanted) && wanted > 0)) || !take_timeout(bound[1], &until)) {
        checked = checked_arguments(self, "_reserve_arguments", arguments, count, given, 2, bound);
        if (checked == NULL)
            return NULL;
        int taken = take_u64(bound[0], &wanted) && take_timeout(bound[1], &until);
        Py_DECREF(checked);
        if (!taken)
            return unexpected_result("_reserve_arguments");
    }
    lent *slots;
    PyObject *made = in_place_new(held, 0, &slots);
    if (made == NULL)
        return NULL;
    int status = reserve_in_time(self, held, slots, wanted, until);
    Py_DECREF((PyObject *)slots);
    if (status == RR_OK)
        return made;
    Py_DECREF(made);
    if (status < 0)
        return NULL;
    if (status == RR_FULL)
        Py_RETURN_NONE;
    return refuse(self, "_refuse", Py_BuildValue("(issK)", status, "reserve", "count", (unsigned long long)wanted));
}

/* close(*, end). The core's object is not freed, since other threads may be waiting on it. */
static PyObject *writer_close(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    owner *held = owned_made(self);
    if (held == NULL)
        return NULL;
    int end = 0;
    if (count != 0 || given != NULL) {
        PyObject *wanted = call_python(self, "_close_arguments", arguments, count, given);
        if (wanted == NULL)
            return NULL;
        end = wanted == Py_True;
        Py_DECREF(wanted);
    }
    int here = owner_close(self, held);
    if (here < 0)
        return NULL;
    if (!here)
        Py_RETURN_NONE;
    if (held->lent != NULL) {
        if (held->lent->views != 0)
            return refuse(self, "_refuse_viewed", Py_BuildValue("()"));
        lent_forget(held->lent);
    }
    if (!end)
        rr_writer_close(held->object);
    else if (rr_writer_end(held->object) != RR_OK)
        return refuse(self, "_check", Py_BuildValue("(s)", "close(end=True)"));
    Py_RETURN_NONE;
}

static PyObject *writer_descriptor(PyObject *self, PyObject *none)
{
    (void)none;
    owner *held = owned_use(self, "fileno");
    if (held == NULL || owner_ready(self, held, "fileno") < 0)
        return NULL;
    return descriptor_found(self, rr_writer_descriptor(held->object));
}

static PyObject *writer_get_closed(PyObject *self, void *unused)
{
    (void)unused;
    owner *held = owned_made(self);
    return held == NULL ? NULL : PyBool_FromLong(held->object == NULL || rr_writer_closed(held->object));
}

static PyObject *writer_get_ring(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *ring = ((owned *)self)->more;
    return Py_NewRef(ring == NULL ? Py_None : ring);
}

#define WRITER_ADD_DOC                                                                                                  \
    DOC("add($self, /, data, event_type=0, *, timeout=0)",                                                              \
        "Publish an event [RING-5, RING-10, RING-14].\n\n"                                                              \
        "Args:\n"                                                                                                       \
        "    data: any C-contiguous buffer; its bytes are the payload.\n"                                               \
        "    event_type: an unsigned 32-bit number.\n"                                                                  \
        "    timeout: the most seconds to wait for room; 0 does not wait, None waits for ever [RING-46].\n\n"           \
        "Returns:\n"                                                                                                    \
        "    True if the event was published; False if the gated ring was full until the timeout.\n\n"                  \
        "Raises:\n"                                                                                                     \
        "    RingClosed: the writer was closed, before the call or while it waited [RING-27, RING-48].\n"               \
        "    TypeError: an argument has a wrong type.\n"                                                                \
        "    ValueError: the buffer is not contiguous, `event_type` is out of its bounds, or `timeout` is below 0 or\n" \
        "        NaN [RING-38].\n"                                                                                      \
        "    PayloadTooLarge: the payload is longer than the ring's size [RING-9].\n"                                      \
        "    ReservationOpen: a reservation of the writer is open [RING-65].")

#define WRITER_ADD_MANY_DOC                                                                                             \
    DOC("add_many($self, /, data, *, lengths=None, event_types=0, timeout=0)",                                          \
        "Publish the events of a batch in order, as many as fit [RING-25].\n\n"                                         \
        "Args:\n"                                                                                                       \
        "    data: a buffer of payloads back to back, or a list or tuple of buffers.\n"                                 \
        "    lengths: the length of each payload in a buffer, in bytes: one integer above 0 for all, or a sequence or\n" \
        "        buffer with an integer for each; None if the buffer is one event, or if `data` is a list or tuple.\n"  \
        "    event_types: one integer for all events, or a sequence or buffer with an integer for each.\n"              \
        "    timeout: the most seconds to wait for room for the whole batch; 0 does not wait, None waits for ever\n"    \
        "        [RING-47].\n\n"                                                                                        \
        "Returns:\n"                                                                                                    \
        "    How many events were published: all of them in an overwriting ring; in a gated ring the longest prefix for\n" \
        "    which there was room before the timeout.\n\n"                                                              \
        "Raises:\n"                                                                                                     \
        "    RingClosed: the writer was closed before an event was published [RING-27, RING-47].\n"                     \
        "    TypeError: an argument, or an item of one, has a wrong type.\n"                                            \
        "    ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.\n" \
        "    PayloadTooLarge: a payload is longer than the ring's size; nothing was published [RING-9].\n"                  \
        "    ReservationOpen: a reservation of the writer was open before an event was published [RING-65].")

#define WRITER_RESERVE_DOC                                                                                             \
    DOC("reserve($self, /, count=1, *, timeout=0)",                                                                    \
        "Reserve the slots of the next events of a gated ring, to be filled in place [RING-61].\n\n"                   \
        "Args:\n"                                                                                                      \
        "    count: the most slots; the reservation also ends at the ring's last slot, and where there is no more room.\n" \
        "    timeout: the most seconds to wait for room; 0 does not wait, None waits for ever [RING-46].\n\n"          \
        "Returns:\n"                                                                                                   \
        "    A reservation of one slot or more; None if the ring was full until the timeout.\n\n"                      \
        "Raises:\n"                                                                                                    \
        "    RingClosed: the writer was closed, before the call or while it waited [RING-27, RING-48].\n"              \
        "    TypeError: an argument has a wrong type.\n"                                                               \
        "    ValueError: the ring is an overwriting one [RING-69], `count` is below 1, or `timeout` is below 0 or NaN.\n" \
        "    ReservationOpen: a reservation of the writer is open [RING-65].")

#define WRITER_CLOSE_DOC                                                                                               \
    DOC("close($self, /, *, end=False)",                                                                               \
        "Unregister the writer, and end its reservation; a second call does nothing [RING-27, RING-64].\n\n"           \
        "Args:\n"                                                                                                      \
        "    end: whether to end the stream: no event will follow, and the ring accepts no other writer [RING-39,\n"   \
        "        RING-40].\n\n"                                                                                        \
        "Raises:\n"                                                                                                    \
        "    TypeError: `end` is not a bool.\n"                                                                        \
        "    RingClosed: `end` is True, and this writer was closed before without ending the stream [RING-41].\n"            \
        "    ViewsOutstanding: a view of the writer's reservation is alive [RING-66].")

static PyMethodDef writer_methods[] = {
    USE_METHOD,
    {"_open", writer_open, METH_O, "_open(ringbuffer): a status."},
    {"add", FASTCALL(writer_add), METH_FASTCALL | METH_KEYWORDS, WRITER_ADD_DOC},
    {"add_many", FASTCALL(writer_add_many), METH_FASTCALL | METH_KEYWORDS, WRITER_ADD_MANY_DOC},
    {"_descriptor", writer_descriptor, METH_NOARGS, "The descriptor to wait on."},
    {"reserve", FASTCALL(writer_reserve), METH_FASTCALL | METH_KEYWORDS, WRITER_RESERVE_DOC},
    {"close", FASTCALL(writer_close), METH_FASTCALL | METH_KEYWORDS, WRITER_CLOSE_DOC},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef writer_getset[] = {
    {"closed", writer_get_closed, NULL, "Whether the writer was closed [RING-27].", NULL},
    {"_ringbuffer", writer_get_ring, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot writer_slots[] = {
    OWNED_SLOTS,
    {Py_tp_methods, writer_methods},
    {Py_tp_getset, writer_getset},
    {Py_tp_doc, "The methods of a writer that are written in C."},
    {0, NULL},
};
PyType_Spec writer_spec = {
    .name = "rusted_ring.native._core.Writer",
    .basicsize = sizeof(owned),
    .flags = OWNED_FLAGS,
    .slots = writer_slots,
};
