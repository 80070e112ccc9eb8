/* Reader: reading one event or a batch, and waiting for events. */
#include "binding.h"

static void reader_end(void *object)
{
    rr_reader_free(object);
}

/* _join(ringbuffer, at, cursor): a status. */
static PyObject *reader_join(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    uint32_t at;
    uint64_t cursor;
    if (count != 3 || !take_u32(arguments[1], &at) || !take_u64(arguments[2], &cursor))
        return PyErr_Format(PyExc_TypeError, "_join takes a ring, a start and a cursor");
    state *state = owned_unmade(self) < 0 ? NULL : state_of_type(Py_TYPE(self));
    owner *ring = state == NULL ? NULL : owned_argument(arguments[0], state->ring_type, "ringbuffer");
    owner *held = ring == NULL ? NULL : owner_new(state, reader_end, ring);
    if (held == NULL)
        return NULL;
    rr_status status = RR_OK;
    held->object = rr_reader_join(ring->object, (rr_join_at)at, cursor, &status);
    if (held->object == NULL) {
        Py_DECREF((PyObject *)held);
        return PyLong_FromLong(status);
    }
    return owned_become(self, held, arguments[0]) < 0 ? NULL : PyLong_FromLong(RR_OK);
}

static PyObject *refuse_read(PyObject *self, rr_status status, const char *use, const rr_read *read)
{
    return refuse(self, "_refuse",
                  Py_BuildValue("(isKK)", (int)status, use, (unsigned long long)read->skipped,
                                (unsigned long long)read->next_sequence));
}

/* ---------------------------------------------------------------------------------------------------------- waiting */

static rr_status sleep_until_event(void *reader, uint64_t sequence, int64_t nanoseconds)
{
    return rr_reader_wait(reader, sequence, nanoseconds);
}

/* Waits for an event or the reader's end: 1 to look again, 0 if the time is up, -1 with an error. */
static int wait_until(PyObject *self, owner *held, int64_t until, const char *use)
{
    if (until == NO_WAIT)
        return 0;
    if (owner_ready(self, held, use) < 0)
        return -1;
    return owner_sleep(self, held, until, use, sleep_until_event, rr_reader_cursor(held->object));
}

/* ---------------------------------------------------------------------------------------------------------- one event */

/* Makes a PooledEvent; takes over the reference to the bytes. */
static PyObject *event_new(const state *state, PyObject *data, uint32_t event_type)
{
    PyObject *number = PyLong_FromUnsignedLong(event_type);
    PyObject *made = data == NULL || number == NULL ? NULL : python_class_new(&state->event, "PooledEvent", 2);
    if (made == NULL) {
        Py_XDECREF(data);
        Py_XDECREF(number);
        return NULL;
    }
    (void)PyTuple_SetItem(made, 0, data);
    (void)PyTuple_SetItem(made, 1, number);
    return made;
}

/* Moves the cursor past the events that were copied, after the objects that the call returns were made: 1; 0 to look again, if code
 * that ran meanwhile has read through this reader or closed it; -1 with an error. */
static int pass(PyObject *self, owner *held, const char *use, const rr_read *read)
{
    if (owner_ready(self, held, use) < 0)
        return -1;
    if (held->object == NULL || rr_reader_cursor(held->object) != read->sequence)
        return 0;
    return rr_reader_pass(held->object, read->count) == RR_OK;
}

/* The next event; NULL without an error if there is none. */
static PyObject *take_next(PyObject *self, owner *held)
{
    /* A short event is copied through the stack. For a long one the first call returns only its length. */
    char near[1024];
    PyObject *far = NULL;
    char *data = near;
    uint64_t room = sizeof near;
    uint32_t length = 0, event_type = 0;
    rr_read read = {0};
    rr_status status;
    for (;;) {
        if (owner_ready(self, held, "next") < 0) {
            Py_XDECREF(far);
            return NULL;
        }
        if (held->object == NULL) {
            status = RR_RING_CLOSED;
            break;
        }
        /* With an open peek the call is refused at once; the GIL keeps the peek from ending meanwhile. */
        PyThreadState *thread = begin_long(held, room > LONG_BYTES && held->lent == NULL);
        status = rr_reader_look(held->object, 1, data, room, &length, &event_type, &read);
        end_long(held, thread);
        if (status == RR_BUFFER_TOO_SMALL) {
            Py_XDECREF(far);
            room = read.bytes;
            far = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
            if (far == NULL)
                return NULL;
            data = PyBytes_AsString(far);
            continue;
        }
        if (status != RR_OK)
            break;
        PyObject *exact = far != NULL && length == room ? Py_NewRef(far) : PyBytes_FromStringAndSize(data, (Py_ssize_t)length);
        PyObject *event = event_new(held->state, exact, event_type);
        int passed = event == NULL ? -1 : pass(self, held, "next", &read);
        if (passed > 0) {
            Py_XDECREF(far);
            return event;
        }
        Py_XDECREF(event);
        if (passed < 0) {
            Py_XDECREF(far);
            return NULL;
        }
        if (far != NULL) { /* the event that was just released may refer to it */
            Py_CLEAR(far);
            data = near;
            room = sizeof near;
        }
    }
    Py_XDECREF(far);
    return status == RR_EMPTY ? NULL : refuse_read(self, status, "next", &read);
}

static PyObject *reader_next(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {TIMEOUT};
    owner *held = owned_use(self, "next");
    if (held == NULL)
        return NULL;
    int64_t until = NO_WAIT;
    if (count != 0 || given != NULL) {
        PyObject *bound[1];
        if (!bind_arguments(held->state, arguments, count, given, wanted, 1, 1, 0, bound)
            || !take_timeout(bound[0], &until)) {
            PyObject *seconds = call_python(self, "_next_arguments", arguments, count, given);
            if (seconds == NULL)
                return NULL;
            int taken = take_timeout(seconds, &until);
            Py_DECREF(seconds);
            if (!taken)
                return unexpected_result("_next_arguments");
        }
    }
    for (;;) {
        PyObject *found = take_next(self, held);
        if (found != NULL || PyErr_Occurred())
            return found;
        int again = wait_until(self, held, until, "next");
        if (again < 0)
            return NULL;
        if (again == 0)
            Py_RETURN_NONE;
    }
}

/* __next__: calls `next`, which a subclass may override. NULL without an error if there is no event, and at the end of the
 * stream. */
static PyObject *reader_iternext(PyObject *self)
{
    owner *held = owned_use(self, "next");
    if (held == NULL)
        return NULL;
    state *state = held->state;
    PyObject *found = Py_TYPE(self) == state->reader_class ? take_next(self, held) : PyObject_CallMethod(self, "next", NULL);
    if (found == Py_None)
        Py_CLEAR(found);
    if (found == NULL && PyErr_Occurred() && PyErr_ExceptionMatches((PyObject *)state->end_of_stream))
        PyErr_Clear();
    return found;
}

/* The fast path of `async for`: the next event; None if there is none, or if the time slice is over. In Python this check takes 240
 * to 330 instructions an event, of some 3,000. Here it takes 50: 270 to 275 ns of user time an event, with yields to the event loop,
 * against 268 to 272 ns without any (minimum of 450 interleaved runs). */
static PyObject *reader_next_at_once(PyObject *self, PyObject *none)
{
    (void)none;
    owner *held = owned_use(self, "next");
    if (held == NULL)
        return NULL;
    PyObject *found = NULL;
    if (slice_lasts(&held->attempts))
        found = Py_TYPE(self) == held->state->reader_class ? take_next(self, held) : reader_iternext(self);
    if (found != NULL || PyErr_Occurred())
        return found;
    Py_RETURN_NONE;
}

/* --------------------------------------------------------------------------------------------------------- many events */

/* Sets a field of a batch; takes over the reference to the value. */
static int batch_put(const state *state, PyObject *made, int field, PyObject *value)
{
    int done = value == NULL ? -1 : state->batch_set(state->batch_fields[field], made, value);
    Py_XDECREF(value);
    return done;
}

/* Makes a batch of events whose columns and payloads are in a block; takes over the reference to the block. */
static PyObject *batch_new(const state *state, uint64_t first, size_t count, PyObject *block)
{
    PyObject *made = python_class_new(&state->batch, "EventBatch", 0);
    if (made == NULL) {
        Py_DECREF(block);
        return NULL;
    }
    if (batch_put(state, made, BLOCK, block) < 0
        || batch_put(state, made, FIRST_SEQUENCE, PyLong_FromUnsignedLongLong(first)) < 0
        || batch_put(state, made, COUNT, PyLong_FromSize_t(count)) < 0
        || batch_put(state, made, ENDS, Py_NewRef(Py_None)) < 0)
        Py_CLEAR(made);
    return made;
}

/* Makes a block for the events in the backlog, but at most `limit`: `*count` events with `*room` bytes of payloads [RING-52]. */
static PyObject *block_new(owner *held, uint64_t limit, size_t *count, uint64_t *room)
{
    uint64_t backlog = rr_reader_backlog(held->object);
    uint64_t most = backlog < limit ? backlog : limit;
    *count = (size_t)(most == 0 && limit > 0 ? 1 : most);
    *room = *count * (uint64_t)rr_ring_size(held->parent->object);
    if (*room > LONG_BYTES) { /* a small block has room for payloads of the ring's size, and is not measured */
        PyThreadState *thread = begin_long(held, 8 * *count > LONG_BYTES && held->lent == NULL);
        size_t found = rr_reader_measure(held->object, *count, room);
        end_long(held, thread);
        *count = found == 0 && limit > 0 ? 1 : found;
    }
    if (*room > (uint64_t)PY_SSIZE_T_MAX - 8 * *count)
        return PyErr_NoMemory();
    return PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * *count + *room));
}

/* The next events as a batch; `*found` is how many. */
static PyObject *take_many(PyObject *self, owner *held, uint64_t limit, uint64_t *found)
{
    for (;;) {
        rr_read read = {0};
        size_t count;
        uint64_t room;
        if (owner_ready(self, held, "next_many") < 0)
            return NULL;
        if (held->object == NULL)
            return refuse_read(self, RR_RING_CLOSED, "next_many", &read);
        PyObject *block = block_new(held, limit, &count, &room);
        if (block == NULL)
            return NULL;
        char *start = PyBytes_AsString(block);
        uint32_t *lengths = (uint32_t *)(void *)start;
        PyThreadState *thread = begin_long(held, room > LONG_BYTES && held->lent == NULL);
        rr_status status = rr_reader_look(held->object, count, start + 8 * count, (size_t)room, lengths, lengths + count, &read);
        end_long(held, thread);
        if (status == RR_BUFFER_TOO_SMALL) { /* an event came after the backlog was measured as empty */
            Py_DECREF(block);
            continue;
        }
        if (status != RR_OK && status != RR_EMPTY) {
            Py_DECREF(block);
            return refuse_read(self, status, "next_many", &read);
        }
        *found = status == RR_OK ? read.count : 0;
        uint64_t bytes = *found == 0 ? 0 : read.bytes;
        if (*found < count || bytes < room) { /* a block of the exact length */
            PyObject *exact = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * *found + bytes));
            if (exact != NULL && *found != 0) {
                char *to = PyBytes_AsString(exact);
                memcpy(to, lengths, 4 * *found);
                memcpy(to + 4 * *found, lengths + count, 4 * *found);
                memcpy(to + 8 * *found, start + 8 * count, bytes);
            }
            Py_DECREF(block);
            block = exact;
            if (block == NULL)
                return NULL;
        }
        PyObject *made = batch_new(held->state, *found == 0 ? read.next_sequence : read.sequence, (size_t)*found, block);
        int passed = made == NULL ? -1 : *found == 0 ? 1 : pass(self, held, "next_many", &read);
        if (passed > 0)
            return made;
        Py_XDECREF(made);
        if (passed < 0)
            return NULL;
    }
}

/* Converts a number of events, which is cut to the most that a ring can have: 1, or 0 for the slow path. */
static int take_limit(PyObject *value, uint64_t *limit)
{
    if (Py_TYPE(value) != &PyLong_Type)
        return 0;
    int overflow;
    long long found = PyLong_AsLongLongAndOverflow(value, &overflow);
    *limit = overflow > 0 || found > UINT32_MAX ? UINT32_MAX : (uint64_t)found;
    return overflow > 0 || (overflow == 0 && found >= 0);
}

static PyObject *reader_next_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {LIMIT, TIMEOUT};
    PyObject *bound[2];
    uint64_t limit, found = 0;
    int64_t until;
    owner *held = owned_use(self, "next_many");
    if (held == NULL)
        return NULL;
    if (!bind_arguments(held->state, arguments, count, given, wanted, 2, 2, 1, bound) || !take_limit(bound[0], &limit)
        || !take_timeout(bound[1], &until)) {
        PyObject *checked = checked_arguments(self, "_next_many_arguments", arguments, count, given, 2, bound);
        if (checked == NULL)
            return NULL;
        int taken = take_limit(bound[0], &limit) && take_timeout(bound[1], &until);
        Py_DECREF(checked);
        if (!taken)
            return unexpected_result("_next_many_arguments");
    }
    for (;;) {
        PyObject *batch = take_many(self, held, limit, &found);
        if (batch == NULL || found != 0 || limit == 0)
            return batch;
        int again = wait_until(self, held, until, "next_many");
        if (again == 0)
            return batch;
        Py_DECREF(batch);
        if (again < 0)
            return NULL;
    }
}

/* ---------------------------------------------------------------------------------------------------- events in place */

/* Looks for events before the deadline; returns the status, or -1 with an error. */
static int peek_in_time(PyObject *self, owner *held, lent *slots, uint64_t limit, int64_t until, rr_read *read)
{
    for (;;) {
        if (owner_ready(self, held, "peek") < 0)
            return -1;
        const uint8_t *payloads = NULL;
        rr_status status = held->object == NULL ? RR_RING_CLOSED : rr_reader_peek(held->object, (size_t)limit, &payloads, read);
        if (status == RR_OK) {
            slots->first = read->sequence;
            lent_take(slots, (uint8_t *)(uintptr_t)payloads, read->count);
        }
        int again = status == RR_EMPTY ? wait_until(self, held, until, "peek") : 0;
        if (again <= 0)
            return again < 0 ? -1 : (int)status;
    }
}

static PyObject *reader_peek(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {LIMIT, TIMEOUT};
    PyObject *bound[2];
    rr_read read = {0};
    uint64_t limit = 1;
    int64_t until = NO_WAIT;
    owner *held = owned_use(self, "peek");
    if (held == NULL)
        return NULL;
    if (!bind_arguments(held->state, arguments, count, given, wanted, 2, 2, 0, bound)
        || !(bound[0] == NULL || (take_limit(bound[0], &limit) && limit > 0)) || !take_timeout(bound[1], &until)) {
        PyObject *checked = checked_arguments(self, "_peek_arguments", arguments, count, given, 2, bound);
        if (checked == NULL)
            return NULL;
        int taken = take_limit(bound[0], &limit) && take_timeout(bound[1], &until);
        Py_DECREF(checked);
        if (!taken)
            return unexpected_result("_peek_arguments");
    }
    lent *slots;
    PyObject *made = in_place_new(held, 1, &slots);
    if (made == NULL)
        return NULL;
    int status = peek_in_time(self, held, slots, limit, until, &read);
    Py_DECREF((PyObject *)slots);
    if (status == RR_OK)
        return made;
    Py_DECREF(made);
    if (status < 0)
        return NULL;
    if (status == RR_EMPTY)
        Py_RETURN_NONE;
    return refuse_read(self, (rr_status)status, "peek", &read);
}

/* ------------------------------------------------------------------------------------------------------------- skipping */

static PyObject *reader_skip(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const char use[] = "skip_to_latest";
    rr_read read = {0};
    uint64_t keep = 1;
    owner *held = owned_use(self, use);
    if (held == NULL)
        return NULL;
    if (count != 0 || given != NULL) {
        PyObject *wanted = call_python(self, "_skip_arguments", arguments, count, given);
        if (wanted == NULL)
            return NULL;
        int taken = take_u64(wanted, &keep);
        Py_DECREF(wanted);
        if (!taken)
            return unexpected_result("_skip_arguments");
    }
    if (owner_ready(self, held, use) < 0)
        return NULL;
    rr_status status = held->object == NULL ? RR_RING_CLOSED : rr_reader_skip(held->object, keep, &read.skipped);
    return status == RR_OK ? PyLong_FromUnsignedLongLong(read.skipped) : refuse_read(self, status, use, &read);
}

/* ---------------------------------------------------------------------------------------------------- state and figures */

/* A number that a property returns. */
typedef struct figure {
    const char *name;
    uint64_t (*read)(const rr_reader *reader);
    int of_open; /* the property raises RingClosed after the reader's end */
} figure;

static int has_ended(const owner *held)
{
    return held->object == NULL || rr_reader_left(held->object) || rr_reader_evicted(held->object);
}

/* The value of a property; -1 with an error. Sequence numbers stay below 2^63: no machine publishes so many events. */
static int64_t asked(PyObject *self, const figure *figure)
{
    owner *held = owned_use(self, figure->name);
    if (held == NULL || owner_ready(self, held, figure->name) < 0)
        return -1;
    if (figure->of_open && has_ended(held)) {
        (void)refuse(self, "_check", Py_BuildValue("(s)", figure->name));
        return -1;
    }
    return (int64_t)figure->read(held->object);
}

static PyObject *reader_get(PyObject *self, void *closure)
{
    int64_t answer = asked(self, closure);
    return answer < 0 ? NULL : PyLong_FromLongLong(answer);
}

static figure start = {"start", rr_reader_start, 0};
static figure cursor = {"cursor", rr_reader_cursor, 0};
static figure delivered = {"delivered", rr_reader_delivered, 0};
static figure skipped = {"skipped", rr_reader_skipped, 0};
static figure lag = {"lag", rr_reader_lag, 1};
static figure backlog = {"backlog", rr_reader_backlog, 1};
static figure backpressure = {"backpressure_ratio", rr_reader_backlog, 1};

static PyObject *reader_get_backpressure(PyObject *self, void *unused)
{
    (void)unused;
    int64_t answer = asked(self, &backpressure);
    if (answer < 0)
        return NULL;
    return PyFloat_FromDouble((double)answer / rr_ring_capacity(((owned *)self)->owner->parent->object));
}

static PyObject *reader_get_at_eof(PyObject *self, void *unused)
{
    (void)unused;
    static const char use[] = "at_eof";
    owner *held = owned_use(self, use);
    if (held == NULL || owner_ready(self, held, use) < 0)
        return NULL;
    return has_ended(held) ? refuse(self, "_check", Py_BuildValue("(s)", use)) : PyBool_FromLong(rr_reader_at_eof(held->object));
}

static PyObject *reader_get_closed(PyObject *self, void *unused)
{
    (void)unused;
    owner *held = owned_made(self);
    return held == NULL ? NULL : PyBool_FromLong(held->object == NULL || rr_reader_left(held->object));
}

static PyObject *reader_get_evicted(PyObject *self, void *unused)
{
    (void)unused;
    owner *held = owned_made(self);
    return held == NULL ? NULL : PyBool_FromLong(held->object != NULL && rr_reader_evicted(held->object));
}

static PyObject *reader_get_ring(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *ring = ((owned *)self)->more;
    return Py_NewRef(ring == NULL ? Py_None : ring);
}

/* Any thread may evict a reader, also while another thread is in a call on it. */
static PyObject *reader_evict(PyObject *self, PyObject *none)
{
    (void)none;
    owner *held = owned_use(self, "evict");
    if (held == NULL)
        return NULL;
    if (held->object != NULL)
        (void)rr_reader_evict(held->object);
    Py_RETURN_NONE;
}

static PyObject *reader_close(PyObject *self, PyObject *none)
{
    (void)none;
    owner *held = owned_made(self);
    if (held == NULL)
        return NULL;
    int here = owner_close(self, held);
    if (here < 0)
        return NULL;
    if (!here)
        Py_RETURN_NONE;
    if (held->lent != NULL) {
        if (held->lent->views != 0 && !rr_reader_evicted(held->object))
            return refuse(self, "_refuse_viewed", Py_BuildValue("()"));
        lent_forget(held->lent);
    }
    rr_reader_leave(held->object);
    Py_RETURN_NONE;
}

static PyObject *reader_descriptor(PyObject *self, PyObject *none)
{
    (void)none;
    owner *held = owned_use(self, "fileno");
    if (held == NULL || owner_ready(self, held, "fileno") < 0)
        return NULL;
    return descriptor_found(self, rr_reader_descriptor(held->object));
}

#define READER_NEXT_DOC                                                                                                \
    DOC("next($self, /, timeout=0)",                                                                                   \
        "Return the next event, or None if there is none before the timeout [RING-7, RING-31].\n\n"                    \
        "Args:\n"                                                                                                      \
        "    timeout: the most seconds to wait for an event; 0 does not wait, None waits for ever.\n\n"                \
        "Raises:\n"                                                                                                    \
        "    RingClosed: the reader was closed or evicted, before the call or while it waited [RING-56, RING-20,\n"    \
        "        RING-32].\n"                                                                                          \
        "    EndOfStream: the stream has ended, and all of it was read [RING-39].\n"                                   \
        "    TypeError: `timeout` is neither None nor a real number.\n"                                                \
        "    ValueError: `timeout` is below 0 or NaN [RING-38].\n"                                                     \
        "    Lagged: events were overwritten; the next call returns the oldest event retained [RING-11].\n"            \
        "    PeekOpen: a peek of the reader is open [RING-74].")

#define READER_NEXT_MANY_DOC                                                                                           \
    DOC("next_many($self, /, limit, timeout=0)",                                                                       \
        "Return the events that `limit` calls of `next()` would return, up to the first None or `Lagged` [RING-26].\n\n" \
        "Args:\n"                                                                                                      \
        "    limit: the most events to return.\n"                                                                      \
        "    timeout: the most seconds to wait for the first event; 0 does not wait, None waits for ever [RING-31].\n\n" \
        "Raises:\n"                                                                                                    \
        "    RingClosed: the reader was closed or evicted, before the call or while it waited [RING-56, RING-20,\n"    \
        "        RING-32].\n"                                                                                          \
        "    EndOfStream: the stream has ended, and all of it was read [RING-39].\n"                                   \
        "    TypeError: `limit` is not an integer, or `timeout` is neither None nor a real number.\n"                  \
        "    ValueError: `limit` is below 0, or `timeout` is below 0 or NaN [RING-38].\n"                              \
        "    Lagged: events were overwritten; the next call returns the oldest events retained [RING-11].\n"           \
        "    PeekOpen: a peek of the reader is open [RING-74].")

#define READER_PEEK_DOC                                                                                                \
    DOC("peek($self, /, limit=1, timeout=0)",                                                                          \
        "Return the next events of a gated ring where they lie, without a copy [RING-71].\n\n"                         \
        "The reader stays where it is, and the writer cannot overwrite the events, until the peek is released.\n\n"    \
        "Args:\n"                                                                                                      \
        "    limit: the most events; the peek also ends with the event in the ring's last slot.\n"                     \
        "    timeout: the most seconds to wait for an event; 0 does not wait, None waits for ever [RING-31].\n\n"      \
        "Returns:\n"                                                                                                   \
        "    A peek of one event or more; None if there was no event before the timeout.\n\n"                         \
        "Raises:\n"                                                                                                    \
        "    RingClosed: the reader was closed or evicted, before the call or while it waited [RING-56, RING-20,\n"    \
        "        RING-32].\n"                                                                                          \
        "    EndOfStream: the stream has ended, and all of it was read [RING-39].\n"                                   \
        "    TypeError: `limit` is not an integer, or `timeout` is neither None nor a real number.\n"                  \
        "    ValueError: the ring is an overwriting one [RING-79], `limit` is below 1, or `timeout` is below 0 or NaN.\n" \
        "    PeekOpen: a peek of the reader is open [RING-74].")

#define READER_SKIP_DOC                                                                                                \
    DOC("skip_to_latest($self, /, keep=1)",                                                                            \
        "Skip all published events except the newest, and return how many were skipped [RING-43, RING-44].\n\n"        \
        "Args:\n"                                                                                                      \
        "    keep: how many of the newest events not to skip.\n\n"                                                     \
        "Raises:\n"                                                                                                    \
        "    RingClosed: the reader was closed or evicted [RING-56, RING-20].\n"                                       \
        "    TypeError: `keep` is not an integer.\n"                                                                   \
        "    ValueError: `keep` is below 0.\n"                                                                         \
        "    PeekOpen: a peek of the reader is open [RING-74].")

static PyMethodDef reader_methods[] = {
    USE_METHOD,
    {"_join", FASTCALL(reader_join), METH_FASTCALL, "_join(ringbuffer, at, cursor): a status."},
    {"next", FASTCALL(reader_next), METH_FASTCALL | METH_KEYWORDS, READER_NEXT_DOC},
    {"next_many", FASTCALL(reader_next_many), METH_FASTCALL | METH_KEYWORDS, READER_NEXT_MANY_DOC},
    {"peek", FASTCALL(reader_peek), METH_FASTCALL | METH_KEYWORDS, READER_PEEK_DOC},
    {"skip_to_latest", FASTCALL(reader_skip), METH_FASTCALL | METH_KEYWORDS, READER_SKIP_DOC},
    {"_next_at_once", reader_next_at_once, METH_NOARGS, "The next event; None if there is none, or if the time slice is over."},
    {"_evict", reader_evict, METH_NOARGS, "Unregister the reader from its gated ring."},
    {"_descriptor", reader_descriptor, METH_NOARGS, "The descriptor to wait on."},
    {"close", reader_close, METH_NOARGS,
     DOC("close($self, /)",
         "Leave the ring, and end the reader's peek; a second call does nothing [RING-19, RING-77].\n\n"
         "Raises:\n"
         "    ViewsOutstanding: a view of the reader's peek is alive [RING-75].")},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef reader_getset[] = {
    {"start", reader_get, NULL, "The reader's first cursor [RING-12, RING-16].", &start},
    {"cursor", reader_get, NULL, "The sequence number of the reader's next event [RING-7].", &cursor},
    {"delivered", reader_get, NULL, "The number of events that the reader returned [RING-12].", &delivered},
    {"skipped", reader_get, NULL, "The number of events that the reader missed or skipped [RING-11, RING-12, RING-43].", &skipped},
    {"lag", reader_get, NULL,
     "The number of published events that the reader has not read or skipped, overwritten ones too [RING-22].", &lag},
    {"backlog", reader_get, NULL, "The number of retained events that the reader has not read [RING-23].", &backlog},
    {"backpressure_ratio", reader_get_backpressure, NULL, "The backlog divided by the capacity, 0.0 to 1.0 [RING-24].", NULL},
    {"at_eof", reader_get_at_eof, NULL, "Whether the stream has ended, and all of it was read [RING-39].", NULL},
    {"closed", reader_get_closed, NULL, "Whether the reader was closed [RING-19].", NULL},
    {"evicted", reader_get_evicted, NULL, "Whether the reader was evicted [RING-20].", NULL},
    {"_ringbuffer", reader_get_ring, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot reader_slots[] = {
    OWNED_SLOTS,
    {Py_tp_methods, reader_methods},
    {Py_tp_getset, reader_getset},
    {Py_tp_iternext, ABI_FUNCTION(void *) reader_iternext},
    {Py_tp_doc, "The methods of a reader that are written in C."},
    {0, NULL},
};
PyType_Spec reader_spec = {
    .name = "rusted_ring.native._core.Reader",
    .basicsize = sizeof(owned),
    .flags = OWNED_FLAGS,
    .slots = reader_slots,
};
