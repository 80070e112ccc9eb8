/*
 * The calls that programs make most, each one C call from Python: the methods of the C bases of Writer, Reader,
 * EventAllocator and the pointers. Included by hold.c.
 *
 * A method takes its arguments as they are where they have their usual types. All others it gives to a method written in
 * Python, which checks them and returns them as those types, or raises; so that there is one place for what is wrong with
 * an argument and what to do about it. Errors of the core are raised in Python too.
 *
 * A call that copies more than RRB_LONG_BYTES gives up the GIL. Numbers that the core reads without it, or that somebody
 * else could change with it held (as numpy's loops do), are copied first.
 */

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)
#define DOC(signature, text) signature "\n--\n\n" text

/* The classes and names that methods use, from `meet`. */
static PyTypeObject *pointer_class; /* RingPtr */
static PyTypeObject *event_class;   /* PooledEvent */
static PyTypeObject *batch_class;   /* EventBatch */
static PyTypeObject *reader_class;  /* Reader */
static allocfunc pointer_alloc;
static allocfunc event_alloc;
static allocfunc batch_alloc;
static PyObject *ended_pin;
static PyObject *give_way; /* time.sleep */

enum { FIRST_SEQUENCE, COUNT, BLOCK, OTHERS, BATCH_FIELDS = OTHERS + 4 };
static const char *const batch_field_names[BATCH_FIELDS] = {"first_sequence", "_count",       "_block", "_data",
                                                            "_lengths",       "_event_types", "_ends"};
static PyObject *batch_fields[BATCH_FIELDS];
static descrsetfunc batch_set; /* that of all of them */

enum { DATA, EVENT_TYPE, SPILL, LENGTHS, EVENT_TYPES, LIMIT, TOKENS, NAMES };
static const char *const name_texts[NAMES] = {"data",        "event_type", "spill", "lengths",
                                              "event_types", "limit",      "tokens"};
static PyObject *names[NAMES];

/* ------------------------------------------------------------------------------------------------------ what owns */

/* The base of what is used through an owner: it is told its owner once. */
typedef struct owned {
    PyObject_HEAD
    owner *owner;
} owned;

static PyTypeObject *owned_type;

static void owned_dealloc(PyObject *self)
{
    Py_XDECREF((PyObject *)((owned *)self)->owner);
    object_free(self);
}

static PyObject *owned_get_owner(PyObject *self, void *unused)
{
    (void)unused;
    owner *held = ((owned *)self)->owner;
    if (held == NULL)
        return PyErr_Format(PyExc_AttributeError, "_owner is not there: the object was not made yet");
    return Py_NewRef((PyObject *)held);
}

static int owned_set_owner(PyObject *self, PyObject *value, void *unused)
{
    (void)unused;
    if (value == NULL || Py_TYPE(value) != owner_type || ((owned *)self)->owner != NULL) {
        PyErr_SetString(PyExc_AttributeError, "_owner is set once, to an Owner");
        return -1;
    }
    ((owned *)self)->owner = (owner *)Py_NewRef(value);
    return 0;
}

/* What is owned, which `end` would end; NULL with an error where it is another thing, or was not made. */
static void *owned_object(PyObject *self, void (*end)(void *))
{
    owner *held = ((owned *)self)->owner;
    if (held != NULL && held->end == end)
        return held->object;
    PyErr_SetString(PyExc_AttributeError, "the object was not made: its class was not called, or __init__ failed");
    return NULL;
}

static PyGetSetDef owned_getset[] = {
    {"_owner", owned_get_owner, owned_set_owner, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot owned_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) owned_dealloc},
    {Py_tp_getset, owned_getset},
    {0, NULL},
};
static PyType_Spec owned_spec = {
    .name = "rusted_ring.native._hold.Owned",
    .basicsize = sizeof(owned),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = owned_slots,
};

/* ------------------------------------------------------------------------------------------- arguments and errors */

/* Whether a long call of another thread is using a writer or reader; then this one has let others run: 1 to look again,
 * 0 for free, -1 where a signal's handler raised. */
static int wait_turn(const int *busy)
{
    if (!*busy)
        return 0;
    PyObject *none = PyObject_CallFunction(give_way, "i", 0);
    Py_XDECREF(none);
    return none == NULL ? -1 : 1;
}

/* Puts arguments in `placed`, positional ones first, by the numbers of their names; NULL where one is not given. 0 where
 * they are not as they should be: Python says then what is wrong. */
static int place_arguments(PyObject *const *arguments, Py_ssize_t count, PyObject *given, const int *wanted,
                           Py_ssize_t positional, Py_ssize_t all, PyObject **placed)
{
    if (count > positional)
        return 0;
    for (Py_ssize_t i = 0; i < all; i++)
        placed[i] = i < count ? arguments[i] : NULL;
    Py_ssize_t more = given == NULL ? 0 : PyTuple_Size(given);
    for (Py_ssize_t k = 0; k < more; k++) {
        PyObject *name = PyTuple_GetItem(given, k);
        Py_ssize_t at = count;
        while (at < all && names[wanted[at]] != name)
            at++;
        if (at == all || placed[at] != NULL)
            return 0;
        placed[at] = arguments[count + k];
    }
    return placed[0] != NULL;
}

/* Calls a method written in Python with a method's own arguments. */
static PyObject *in_python(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count,
                           PyObject *given)
{
    PyObject *result = NULL;
    PyObject *function = PyObject_GetAttrString(self, method);
    PyObject *tuple = PyTuple_New(count);
    PyObject *keywords = given == NULL ? NULL : PyDict_New();
    if (function == NULL || tuple == NULL || (given != NULL && keywords == NULL))
        goto done;
    for (Py_ssize_t i = 0; i < count; i++)
        if (PyTuple_SetItem(tuple, i, Py_NewRef(arguments[i])) < 0)
            goto done;
    for (Py_ssize_t k = 0; given != NULL && k < PyTuple_Size(given); k++)
        if (PyDict_SetItem(keywords, PyTuple_GetItem(given, k), arguments[count + k]) < 0)
            goto done;
    result = PyObject_Call(function, tuple, keywords);
done:
    Py_XDECREF(function);
    Py_XDECREF(tuple);
    Py_XDECREF(keywords);
    return result;
}

/* Raises what a method written in Python raises for a status; takes the tuple of its arguments. */
static PyObject *refuse(PyObject *self, const char *method, PyObject *arguments)
{
    PyObject *function = arguments == NULL ? NULL : PyObject_GetAttrString(self, method);
    PyObject *result = function == NULL ? NULL : PyObject_Call(function, arguments, NULL);
    if (result != NULL)
        PyErr_Format(PyExc_SystemError, "%s did not raise", method);
    Py_XDECREF(result);
    Py_XDECREF(function);
    Py_XDECREF(arguments);
    return NULL;
}

/* Whether a value is an `int` of 32 bits without a sign. */
static int take_u32(PyObject *value, uint32_t *number)
{
    if (Py_TYPE(value) != &PyLong_Type)
        return 0;
    unsigned long found = PyLong_AsUnsignedLong(value);
    if (found == (unsigned long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    *number = (uint32_t)found;
    return found <= UINT32_MAX;
}

/* An error of a buffer's own is told by Python, which asks again; any other stays. 0 or -1. */
static int no_buffer(void)
{
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError)
        && !PyErr_ExceptionMatches(PyExc_BufferError))
        return -1;
    PyErr_Clear();
    return 0;
}

/* The bytes of a buffer; `view` is to be released if `lent`. */
typedef struct payload {
    const char *data;
    Py_ssize_t length;
    int lent;
    Py_buffer view;
} payload;

static void payload_end(payload *found)
{
    if (found->lent)
        PyBuffer_Release(&found->view);
    found->lent = 0;
}

/* 1 where it is a buffer as the core takes it; 0 where not; -1 with an error. */
static int take_payload(PyObject *value, payload *found)
{
    found->lent = 0;
    if (Py_TYPE(value) == &PyBytes_Type) {
        found->data = PyBytes_AsString(value);
        found->length = PyBytes_Size(value);
        return 1;
    }
    if (!PyObject_CheckBuffer(value))
        return 0;
    if (PyObject_GetBuffer(value, &found->view, PyBUF_FULL_RO) < 0)
        return no_buffer();
    found->lent = 1;
    found->data = found->view.buf;
    found->length = found->view.len;
    const Py_buffer *view = &found->view;
    /* Of empty ones, Python's memoryview calls fewer contiguous. */
    int spread = view->len == 0 && view->ndim == 1 && view->strides != NULL && view->strides[0] != view->itemsize;
    if (!spread && PyBuffer_IsContiguous(view, 'C'))
        return 1;
    payload_end(found);
    return 0;
}

/* A column of numbers of a format and size, to be copied from; as take_payload. */
static int take_column(PyObject *value, char format, Py_ssize_t itemsize, payload *found)
{
    found->lent = 0;
    if (!PyObject_CheckBuffer(value))
        return 0;
    if (PyObject_GetBuffer(value, &found->view, PyBUF_FULL_RO) < 0)
        return no_buffer();
    found->lent = 1;
    const Py_buffer *view = &found->view;
    found->data = view->buf;
    found->length = view->len;
    if (view->ndim == 1 && view->itemsize == itemsize && view->format != NULL && view->format[0] == format
        && view->format[1] == 0 && PyBuffer_IsContiguous(view, 'C'))
        return 1;
    payload_end(found);
    return 0;
}

/* An event as an argument. */
typedef struct event {
    payload payload;
    uint32_t event_type;
    int spill;
} event;

/* data, event_type, spill: 1, 0 or -1 as take_payload. */
static int take_event(PyObject *const *placed, event *found)
{
    found->event_type = 0;
    found->spill = 0;
    if (placed[1] != NULL && !take_u32(placed[1], &found->event_type))
        return 0;
    if (placed[2] != NULL) {
        if (placed[2] != Py_True && placed[2] != Py_False)
            return 0;
        found->spill = placed[2] == Py_True;
    }
    return take_payload(placed[0], &found->payload);
}

/* What Python made of arguments, as a tuple of `all`. */
static int place_checked(PyObject *checked, Py_ssize_t all, PyObject **placed)
{
    if (!PyTuple_Check(checked) || PyTuple_Size(checked) != all)
        return 0;
    for (Py_ssize_t i = 0; i < all; i++)
        placed[i] = PyTuple_GetItem(checked, i);
    return 1;
}

static int not_usual(const char *method)
{
    PyErr_Format(PyExc_SystemError, "%s returned no usual arguments", method);
    return -1;
}

/* The event of a method's arguments. 0, and `checked` to be given up after the call; -1 with an error. */
static int event_arguments(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count,
                           PyObject *given, Py_ssize_t all, event *found, PyObject **checked)
{
    static const int wanted[] = {DATA, EVENT_TYPE, SPILL};
    PyObject *placed[3] = {NULL, NULL, NULL};
    *checked = NULL;
    int taken = place_arguments(arguments, count, given, wanted, 2, all, placed) ? take_event(placed, found) : 0;
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    *checked = in_python(self, method, arguments, count, given);
    if (*checked == NULL)
        return -1;
    placed[2] = NULL;
    taken = place_checked(*checked, all, placed) ? take_event(placed, found) : 0;
    if (taken == 0)
        taken = not_usual(method);
    if (taken < 0)
        Py_CLEAR(*checked);
    return taken < 0 ? -1 : 0;
}

/* A batch as the core takes it. `data`, `lengths` and `event_types` are borrowed from what `payload` holds, or lie in
 * `room` or in `heap`. */
typedef struct batch {
    const char *data;
    uint64_t total;
    size_t count;
    const uint32_t *lengths;
    const uint32_t *event_types;
    uint32_t length;
    uint32_t event_type;
    payload payload;
    void *heap;
    _Alignas(8) char room[6 * 1024]; /* so that a few dozen short events need no heap */
} batch;

static void batch_end(batch *found)
{
    payload_end(&found->payload);
    if (found->heap != NULL)
        PyMem_Free(found->heap);
    found->heap = NULL;
}

static void *batch_room(batch *found, size_t bytes)
{
    if (bytes <= sizeof found->room)
        return found->room;
    found->heap = PyMem_Malloc(bytes);
    if (found->heap == NULL)
        PyErr_NoMemory();
    return found->heap;
}

/* A list or tuple of bytes, joined. */
static int take_list(PyObject *data, batch *found)
{
    PyObject *(*item)(PyObject *, Py_ssize_t) = Py_TYPE(data) == &PyList_Type ? PyList_GetItem : PyTuple_GetItem;
    Py_ssize_t count = Py_TYPE(data) == &PyList_Type ? PyList_Size(data) : PyTuple_Size(data);
    size_t total = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *one = item(data, i);
        size_t length = Py_TYPE(one) == &PyBytes_Type ? (size_t)PyBytes_Size(one) : SIZE_MAX;
        if (length > UINT32_MAX || total > (size_t)PY_SSIZE_T_MAX - length)
            return 0;
        total += length;
    }
    uint32_t *lengths = batch_room(found, 4 * (size_t)count + total);
    if (lengths == NULL)
        return -1;
    char *joined = (char *)(lengths + count);
    found->data = joined;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *one = item(data, i);
        Py_ssize_t length = PyBytes_Size(one);
        memcpy(joined, PyBytes_AsString(one), (size_t)length);
        joined += length;
        lengths[i] = (uint32_t)length;
    }
    found->total = total;
    found->lengths = lengths;
    found->count = (size_t)count;
    return 1;
}

/* Copies of columns, each NULL or one number for each event. */
static int take_columns(batch *found, const payload *lengths, const payload *event_types)
{
    size_t bytes = 0;
    if (lengths != NULL) {
        bytes = (size_t)lengths->length;
        found->count = bytes / 4;
    }
    if (event_types != NULL) {
        if ((size_t)event_types->length != 4 * found->count)
            return 0;
        bytes += 4 * found->count;
    }
    char *room = batch_room(found, bytes);
    if (room == NULL)
        return -1;
    if (lengths != NULL) {
        memcpy(room, lengths->data, 4 * found->count);
        found->lengths = (const uint32_t *)(void *)room;
        room += 4 * found->count;
        uint64_t sum = 0;
        for (size_t i = 0; i < found->count; i++)
            sum += found->lengths[i];
        if (sum != found->total)
            return 0;
    }
    if (event_types != NULL) {
        memcpy(room, event_types->data, 4 * found->count);
        found->event_types = (const uint32_t *)(void *)room;
    }
    return 1;
}

/* data, lengths, event_types: 1, 0 or -1 as take_payload. */
static int take_batch(PyObject *const *placed, batch *found)
{
    PyObject *data = placed[0];
    PyObject *wanted = placed[1] == Py_None ? NULL : placed[1];
    found->payload.lent = 0;
    found->heap = NULL;
    found->lengths = found->event_types = NULL;
    found->length = found->event_type = 0;
    int one_type = placed[2] == NULL || take_u32(placed[2], &found->event_type);
    if (Py_TYPE(data) == &PyList_Type || Py_TYPE(data) == &PyTuple_Type)
        return wanted == NULL && one_type ? take_list(data, found) : 0;
    int taken = take_payload(data, &found->payload);
    if (taken <= 0)
        return taken;
    found->data = found->payload.data;
    found->total = (uint64_t)found->payload.length;
    payload lengths = {.lent = 0}, event_types = {.lent = 0};
    taken = 1;
    if (wanted == NULL) {
        found->count = 1;
        found->length = (uint32_t)found->total;
        taken = found->total <= UINT32_MAX;
    } else if (take_u32(wanted, &found->length)) {
        taken = found->length > 0 && found->total % found->length == 0;
        found->count = taken ? (size_t)(found->total / found->length) : 0;
    } else {
        taken = take_column(wanted, 'I', 4, &lengths);
    }
    if (taken > 0 && !one_type)
        taken = take_column(placed[2], 'I', 4, &event_types);
    if (taken > 0 && (lengths.lent || event_types.lent))
        taken = take_columns(found, lengths.lent ? &lengths : NULL, event_types.lent ? &event_types : NULL);
    payload_end(&lengths);
    payload_end(&event_types);
    if (taken <= 0)
        batch_end(found);
    return taken;
}

/* As event_arguments. */
static int batch_arguments(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given, batch *found,
                           PyObject **checked)
{
    static const int wanted[] = {DATA, LENGTHS, EVENT_TYPES};
    PyObject *placed[3];
    *checked = NULL;
    int taken = place_arguments(arguments, count, given, wanted, 1, 3, placed) ? take_batch(placed, found) : 0;
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    *checked = in_python(self, "_batch_arguments", arguments, count, given);
    if (*checked == NULL)
        return -1;
    taken = place_checked(*checked, 3, placed) ? take_batch(placed, found) : 0;
    if (taken == 0)
        taken = not_usual("_batch_arguments");
    if (taken < 0)
        Py_CLEAR(*checked);
    return taken < 0 ? -1 : 0;
}

static int is_long(const batch *found)
{
    return found->total + 8 * found->count > RRB_LONG_BYTES;
}

static uint32_t length_of(const batch *found, size_t at)
{
    return found->lengths == NULL ? found->length : found->lengths[at];
}

/* ---------------------------------------------------------------------------------------------------------- writer */

static PyObject *writer_add(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    event taken;
    PyObject *checked;
    rrb_writer *writer = owned_object(self, writer_end);
    if (writer == NULL
        || event_arguments(self, "_event_arguments", arguments, count, given, 2, &taken, &checked) < 0)
        return NULL;
    const char *data = taken.payload.data;
    uint64_t length = (uint64_t)taken.payload.length;
    int turn;
    while ((turn = wait_turn(&writer->busy)) > 0) {
    }
    rr_status status = RR_OK;
    if (turn == 0) {
        if (length > RRB_LONG_BYTES) {
            writer->busy = 1;
            Py_BEGIN_ALLOW_THREADS
            status = rr_writer_add(writer->writer, data, length, taken.event_type);
            Py_END_ALLOW_THREADS
            writer->busy = 0;
        } else {
            status = rr_writer_add(writer->writer, data, length, taken.event_type);
        }
    }
    payload_end(&taken.payload);
    Py_XDECREF(checked);
    if (turn < 0)
        return NULL;
    if (status == RR_OK)
        Py_RETURN_TRUE;
    if (status == RR_FULL)
        Py_RETURN_FALSE;
    return refuse(self, "_refuse", Py_BuildValue("(issK)", (int)status, "add", "data", (unsigned long long)length));
}

static PyObject *writer_add_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    batch taken;
    PyObject *checked;
    rrb_writer *writer = owned_object(self, writer_end);
    if (writer == NULL || batch_arguments(self, arguments, count, given, &taken, &checked) < 0)
        return NULL;
    int turn;
    while ((turn = wait_turn(&writer->busy)) > 0) {
    }
    size_t added = 0, failed = 0;
    rr_status status = RR_OK;
    if (turn == 0) {
        int long_call = is_long(&taken);
        PyThreadState *state = NULL;
        if (long_call) {
            writer->busy = 1;
            state = PyEval_SaveThread();
        }
        status = rr_writer_add_many(writer->writer, taken.data, taken.lengths, taken.length, taken.event_types,
                                    taken.event_type, taken.count, &added, &failed);
        if (long_call) {
            PyEval_RestoreThread(state);
            writer->busy = 0;
        }
    }
    uint32_t length = status == RR_OK || taken.count == 0 ? 0 : length_of(&taken, failed);
    size_t events = taken.count;
    batch_end(&taken);
    Py_XDECREF(checked);
    if (turn < 0)
        return NULL;
    if (status == RR_OK)
        return PyLong_FromSize_t(added);
    return refuse(self, "_refuse_batch",
                  Py_BuildValue("(innI)", (int)status, (Py_ssize_t)failed, (Py_ssize_t)events, length));
}

#define WRITER_ADD_DOC                                                                                                  \
    DOC("add($self, /, data, event_type=0)",                                                                            \
        "Publish an event; False where a gated ring is full, and nothing was published [RING-10, RING-14].\n\n"         \
        "Args:\n"                                                                                                       \
        "    data: the payload, any C-contiguous buffer of at most the ring's `size` bytes.\n"                          \
        "    event_type: an unsigned 32-bit number [ALLOC-23].\n\n"                                                     \
        "Raises:\n"                                                                                                     \
        "    RingClosed: the writer was closed [RING-27].\n"                                                            \
        "    TypeError: an argument has a wrong type.\n"                                                                \
        "    ValueError: `data` is not contiguous, or `event_type` out of bounds.\n"                                    \
        "    PayloadTooLarge: the payload is longer than the ring's `size` [RING-9].")

#define WRITER_ADD_MANY_DOC                                                                                             \
    DOC("add_many($self, /, data, *, lengths=None, event_types=0)",                                                     \
        "Publish a batch, or in a gated ring its longest prefix that fits, and return how many [RING-25].\n\n"          \
        "Args:\n"                                                                                                       \
        "    data: payloads back to back in one buffer, or a list or tuple of buffers.\n"                               \
        "    lengths: bytes of each payload of one buffer: one integer for all, or a sequence or buffer of u32; None:\n" \
        "        one event.\n"                                                                                          \
        "    event_types: one integer for all, or a sequence or buffer of u32, one each.\n\n"                           \
        "Raises:\n"                                                                                                     \
        "    RingClosed: the writer was closed [RING-27].\n"                                                            \
        "    TypeError: an argument has a wrong type.\n"                                                                \
        "    ValueError: a buffer is not contiguous, or the numbers do not fit the data.\n"                             \
        "    PayloadTooLarge: a payload is longer than the ring's `size`; nothing was published [RING-9].")

static PyMethodDef writer_methods[] = {
    {"add", FASTCALL(writer_add), METH_FASTCALL | METH_KEYWORDS, WRITER_ADD_DOC},
    {"add_many", FASTCALL(writer_add_many), METH_FASTCALL | METH_KEYWORDS, WRITER_ADD_MANY_DOC},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot writer_slots[] = {
    {Py_tp_methods, writer_methods},
    {Py_tp_doc, "The hot methods of a writer."},
    {0, NULL},
};
static PyType_Spec writer_spec = {
    .name = "rusted_ring.native._hold.Writer",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = writer_slots,
};

/* ---------------------------------------------------------------------------------------------------------- reader */

static PyObject *reader_refuse(PyObject *self, rr_status status, const char *use, const rr_read *read)
{
    return refuse(self, "_refuse",
                  Py_BuildValue("(isKK)", (int)status, use, (unsigned long long)read->skipped,
                                (unsigned long long)read->next_sequence));
}

/* A PooledEvent; takes the bytes. */
static PyObject *event_new(PyObject *data, uint32_t event_type)
{
    PyObject *number = PyLong_FromUnsignedLong(event_type);
    PyObject *made = data == NULL || number == NULL ? NULL : event_alloc(event_class, 2);
    if (made == NULL) {
        Py_XDECREF(data);
        Py_XDECREF(number);
        return NULL;
    }
    (void)PyTuple_SetItem(made, 0, data);
    (void)PyTuple_SetItem(made, 1, number);
    return made;
}

/* The next event; NULL without an error where there is none. */
static PyObject *reader_take(PyObject *self)
{
    /* Short events come by way of the stack; of the others the first call says only how long they are. */
    char near[1024];
    PyObject *far = NULL;
    char *data = near;
    uint64_t room = sizeof near;
    uint32_t length, event_type;
    rr_read read;
    rr_status status;
    rrb_reader *reader = owned_object(self, reader_end);
    if (reader == NULL)
        return NULL;
    for (;;) {
        int turn = wait_turn(&reader->busy);
        if (turn < 0) {
            Py_XDECREF(far);
            return NULL;
        }
        if (turn > 0)
            continue;
        if (room > RRB_LONG_BYTES) {
            reader->busy = 1;
            Py_BEGIN_ALLOW_THREADS
            status = rr_reader_next_many(reader->reader, 1, data, room, &length, &event_type, &read);
            Py_END_ALLOW_THREADS
            reader->busy = 0;
        } else {
            status = rr_reader_next_many(reader->reader, 1, data, room, &length, &event_type, &read);
        }
        if (status != RR_BUFFER_TOO_SMALL)
            break;
        Py_XDECREF(far);
        room = read.bytes;
        far = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
        if (far == NULL)
            return NULL;
        data = PyBytes_AsString(far);
    }
    if (status == RR_OK) {
        if (far == NULL || length != room) {
            PyObject *exact = PyBytes_FromStringAndSize(data, (Py_ssize_t)length);
            Py_XDECREF(far);
            far = exact;
        }
        return event_new(far, event_type);
    }
    Py_XDECREF(far);
    return status == RR_EMPTY ? NULL : reader_refuse(self, status, "next", &read);
}

static PyObject *reader_next(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    if (count != 0 || given != NULL)
        return in_python(self, "_next_waiting", arguments, count, given);
    PyObject *found = reader_take(self);
    if (found == NULL && !PyErr_Occurred())
        Py_RETURN_NONE;
    return found;
}

/* next() for iteration; a class of the caller's own may have another. */
static PyObject *reader_iternext(PyObject *self)
{
    if (Py_TYPE(self) == reader_class)
        return reader_take(self);
    PyObject *found = PyObject_CallMethod(self, "next", NULL);
    if (found == Py_None)
        Py_CLEAR(found);
    return found;
}

/* Sets a field of a batch; takes the value. */
static int batch_put(PyObject *made, int field, PyObject *value)
{
    int done = value == NULL ? -1 : batch_set(batch_fields[field], made, value);
    Py_XDECREF(value);
    return done;
}

/* A batch of events whose columns and payloads lie in a block, which it takes. */
static PyObject *batch_new(uint64_t first, size_t count, PyObject *block)
{
    PyObject *made = batch_alloc(batch_class, 0);
    if (made == NULL) {
        Py_DECREF(block);
        return NULL;
    }
    int failed = batch_put(made, BLOCK, block) < 0
                 || batch_put(made, FIRST_SEQUENCE, PyLong_FromUnsignedLongLong(first)) < 0
                 || batch_put(made, COUNT, PyLong_FromSize_t(count)) < 0;
    for (int i = OTHERS; i < BATCH_FIELDS && !failed; i++)
        failed = batch_put(made, i, Py_NewRef(Py_None)) < 0;
    if (failed)
        Py_CLEAR(made);
    return made;
}

static PyObject *reader_take_many(PyObject *self, uint64_t limit)
{
    rrb_reader *reader = owned_object(self, reader_end);
    if (reader == NULL)
        return NULL;
    int turn;
    while ((turn = wait_turn(&reader->busy)) > 0) {
    }
    if (turn < 0)
        return NULL;
    /* What is retained now is all that has to be read now. */
    uint64_t backlog = rr_reader_backlog(reader->reader);
    uint64_t count = backlog < limit ? backlog : limit;
    if (count == 0 && limit > 0)
        count = 1;
    uint64_t payloads = count * rr_ring_size(((owner *)((owned *)self)->owner->parent)->object);
    PyObject *block = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * count + payloads));
    if (block == NULL)
        return NULL;
    char *start = PyBytes_AsString(block);
    uint32_t *lengths = (uint32_t *)(void *)start;
    rr_read read;
    int long_call = payloads > RRB_LONG_BYTES;
    PyThreadState *state = NULL;
    if (long_call) {
        reader->busy = 1;
        state = PyEval_SaveThread();
    }
    rr_status status = rr_reader_next_many(reader->reader, (size_t)count, start + 8 * count, (size_t)payloads, lengths,
                                           lengths + count, &read);
    if (long_call) {
        PyEval_RestoreThread(state);
        reader->busy = 0;
    }
    if (status != RR_OK && status != RR_EMPTY) {
        Py_DECREF(block);
        return reader_refuse(self, status, "next_many", &read);
    }
    uint64_t found = status == RR_OK ? read.count : 0;
    uint64_t bytes = found == 0 ? 0 : read.bytes;
    if (found < count || bytes < payloads) { /* a block of its own length */
        PyObject *exact = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(8 * found + bytes));
        if (exact != NULL && found != 0) {
            char *to = PyBytes_AsString(exact);
            memcpy(to, lengths, 4 * found);
            memcpy(to + 4 * found, lengths + count, 4 * found);
            memcpy(to + 8 * found, start + 8 * count, bytes);
        }
        Py_DECREF(block);
        block = exact;
        if (block == NULL)
            return NULL;
    }
    return batch_new(found == 0 ? read.next_sequence : read.sequence, (size_t)found, block);
}

/* A number of events, as far as a ring can have them. */
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
    static const int wanted[] = {LIMIT};
    PyObject *placed[1];
    uint64_t limit;
    if (place_arguments(arguments, count, given, wanted, 1, 1, placed) && take_limit(placed[0], &limit))
        return reader_take_many(self, limit);
    return in_python(self, "_next_many_waiting", arguments, count, given);
}

#define READER_NEXT_DOC                                                                                                \
    DOC("next($self, /, timeout=0)",                                                                                   \
        "Return the next event, a copy, and move on; None where there is none in time [RING-7, RING-28, RING-31].\n\n" \
        "Args:\n"                                                                                                      \
        "    timeout: seconds to wait for an event where there is none; 0 does not wait, None waits for ever.\n\n"     \
        "Raises:\n"                                                                                                    \
        "    RingClosed: the reader was closed or evicted, or is while it waits [RING-19, RING-20, RING-32].\n"        \
        "    TypeError: `timeout` is neither None nor a real number.\n"                                                \
        "    ValueError: it is below 0, or not a number [RING-38].\n"                                                  \
        "    Lagged: the next event was overwritten; the reader goes on at the oldest one retained [RING-11].")

#define READER_NEXT_MANY_DOC                                                                                           \
    DOC("next_many($self, /, limit, timeout=0)",                                                                       \
        "Return what `next` would return in `limit` calls, up to the first None or `Lagged` [RING-26].\n\n"            \
        "Args:\n"                                                                                                      \
        "    limit: most events to return.\n"                                                                          \
        "    timeout: seconds to wait for the first event where there is none; 0 does not wait, None waits for ever\n" \
        "        [RING-31].\n\n"                                                                                       \
        "Raises:\n"                                                                                                    \
        "    RingClosed: the reader was closed or evicted, or is while it waits [RING-19, RING-20, RING-32].\n"        \
        "    TypeError: `limit` is not an integer, or `timeout` neither None nor a real number.\n"                     \
        "    ValueError: `limit` is below 0, or `timeout` is or is not a number [RING-38].\n"                          \
        "    Lagged: the next event was overwritten; the reader goes on at the oldest one retained [RING-11].")

static PyMethodDef reader_methods[] = {
    {"next", FASTCALL(reader_next), METH_FASTCALL | METH_KEYWORDS, READER_NEXT_DOC},
    {"next_many", FASTCALL(reader_next_many), METH_FASTCALL | METH_KEYWORDS, READER_NEXT_MANY_DOC},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot reader_slots[] = {
    {Py_tp_methods, reader_methods},
    {Py_tp_iternext, ABI_FUNCTION(void *) reader_iternext},
    {Py_tp_doc, "The hot methods of a reader."},
    {0, NULL},
};
static PyType_Spec reader_spec = {
    .name = "rusted_ring.native._hold.Reader",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = reader_slots,
};

/* --------------------------------------------------------------------------------------------- pointers and loans */

/* The base of what holds a slot through a pin: RingPtr and Loan. */
typedef struct pinned {
    PyObject_HEAD
    PyObject *pin;       /* a pin; NULL where the object was not made */
    PyObject *allocator; /* the EventAllocator, or NULL */
} pinned;

static PyTypeObject *pinned_type;

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
    Py_XDECREF(((pinned *)self)->pin);
    Py_XDECREF(((pinned *)self)->allocator);
    object_free(self);
}

/* The pin; NULL with an error where it gave its reference away, or was never there. */
static pin *pin_of(PyObject *self, const char *use)
{
    pin *held = (pin *)((pinned *)self)->pin;
    if (held != NULL && held->payload != NULL)
        return held;
    PyObject *error = PyObject_CallMethod(self, "_ended", "s", use);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return NULL;
}

static PyObject *pinned_get_pin(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *held = ((pinned *)self)->pin;
    return Py_NewRef(held == NULL ? ended_pin : held);
}

static int pinned_set_pin(PyObject *self, PyObject *value, void *unused)
{
    (void)unused;
    if (value == NULL || Py_TYPE(value) != pin_type) {
        PyErr_SetString(PyExc_AttributeError, "_pin is a Pin");
        return -1;
    }
    PyObject *before = ((pinned *)self)->pin;
    ((pinned *)self)->pin = Py_NewRef(value);
    Py_XDECREF(before);
    return 0;
}

static PyObject *pinned_get_data(PyObject *self, void *use)
{
    PyObject *held = (PyObject *)pin_of(self, use);
    if (held == NULL)
        return NULL;
    /* Making the view may run the collector, and that anything, `drop` too. */
    Py_INCREF(held);
    PyObject *view = PyMemoryView_FromObject(held);
    Py_DECREF(held);
    return view;
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

static PyGetSetDef pinned_getset[] = {
    {"_pin", pinned_get_pin, pinned_set_pin, NULL, NULL},
    {"data", pinned_get_data, NULL,
     "A view of the payload, format `B`, which pins the slot; a loan's is writable [VIEW-1, VIEW-2, LOAN-1].", "data"},
    {"len", pinned_get_len, NULL, "Length of the payload in bytes [PTR-7, LOAN-1].", "len"},
    {"event_type", pinned_get_event_type, NULL, "The event's type [PTR-7, LOAN-1].", "event_type"},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyMemberDef pinned_members[] = {
    {"_allocator", T_OBJECT_EX, offsetof(pinned, allocator), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot pinned_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) pinned_dealloc},
    {Py_tp_traverse, ABI_FUNCTION(void *) pinned_traverse},
    {Py_tp_clear, ABI_FUNCTION(void *) pinned_clear},
    {Py_tp_getset, pinned_getset},
    {Py_tp_members, pinned_members},
    {Py_tp_doc, "What holds a slot through a pin."},
    {0, NULL},
};
static PyType_Spec pinned_spec = {
    .name = "rusted_ring.native._hold.Pinned",
    .basicsize = sizeof(pinned),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = pinned_slots,
};

/* A RingPtr of a pin, which it takes. */
static PyObject *pointer_new(PyObject *of_pin, PyObject *allocator)
{
    PyObject *made = of_pin == NULL ? NULL : pointer_alloc(pointer_class, 0);
    if (made == NULL) {
        Py_XDECREF(of_pin);
        return NULL;
    }
    ((pinned *)made)->pin = of_pin;
    ((pinned *)made)->allocator = Py_XNewRef(allocator);
    return made;
}

static PyObject *pointer_clone(PyObject *self, PyObject *none)
{
    (void)none;
    pin *held = pin_of(self, "clone");
    if (held == NULL)
        return NULL;
    PyObject *made = pointer_new(pin_new((PyObject *)held->owner, NULL, held->length, 0), ((pinned *)self)->allocator);
    if (made == NULL)
        return NULL;
    /* What was made may have run anything. */
    held = pin_of(self, "clone");
    rr_status status = held == NULL ? RR_OK : rr_clone_payload(held->allocator, held->payload);
    if (held == NULL || status != RR_OK) {
        Py_DECREF(made);
        return held == NULL ? NULL : refuse(self, "_refuse_clone", Py_BuildValue("(i)", (int)status));
    }
    ((pin *)((pinned *)made)->pin)->payload = held->payload;
    return made;
}

static PyObject *pointer_drop(PyObject *self, PyObject *none)
{
    (void)none;
    PyObject *before = ((pinned *)self)->pin;
    ((pinned *)self)->pin = Py_NewRef(ended_pin);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

static PyObject *pointer_get_bytes(PyObject *self, void *use)
{
    pin *held = pin_of(self, use);
    return held == NULL ? NULL : PyBytes_FromStringAndSize((const char *)held->payload, held->length);
}

static PyObject *pointer_get_ref_count(PyObject *self, void *use)
{
    pin *held = pin_of(self, use);
    return held == NULL ? NULL : PyLong_FromUnsignedLong(rr_payload_ref_count(held->allocator, held->payload));
}

#define POINTER_CLONE_TEXT                                                                                              \
    "Return another pointer to the event, one reference more [PTR-2].\n\n"                                              \
    "Raises:\n"                                                                                                         \
    "    ReleasedHandle: the pointer was dropped.\n"                                                                    \
    "    RefCountOverflow: the slot's counter is full [SLOT-10]."

static PyMethodDef pointer_methods[] = {
    {"clone", pointer_clone, METH_NOARGS, DOC("clone($self, /)", POINTER_CLONE_TEXT)},
    {"__copy__", pointer_clone, METH_NOARGS, DOC("__copy__($self, /)", POINTER_CLONE_TEXT)},
    {"drop", pointer_drop, METH_NOARGS,
     DOC("drop($self, /)", "Give the reference back, once no view is left; a second call does nothing [PTR-3, VIEW-2].")},
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
    {Py_tp_doc, "The hot methods of a pointer."},
    {0, NULL},
};
static PyType_Spec pointer_spec = {
    .name = "rusted_ring.native._hold.Pointer",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, /* and the collection of its base */
    .slots = pointer_slots,
};

/* ---------------------------------------------------------------------------------------------------------- tokens */

/* What `allocate_many` returns a view of. */
typedef struct tokens {
    PyObject_VAR_HEAD
    Py_ssize_t shape;
    uint64_t words[];
} tokens;

static PyTypeObject *tokens_type;

static void tokens_dealloc(PyObject *self)
{
    object_free(self);
}

static int tokens_lend(PyObject *self, Py_buffer *view, int flags)
{
    tokens *held = (tokens *)self;
    if (PyBuffer_FillInfo(view, self, held->words, 8 * held->shape, 1, flags) < 0)
        return -1;
    view->itemsize = 8;
    if ((flags & PyBUF_FORMAT) == PyBUF_FORMAT)
        view->format = "Q";
    if ((flags & PyBUF_ND) == PyBUF_ND)
        view->shape = &held->shape;
    return 0;
}

static PyType_Slot tokens_slots[] = {
    {Py_tp_dealloc, ABI_FUNCTION(void *) tokens_dealloc},
    {Py_bf_getbuffer, ABI_FUNCTION(void *) tokens_lend},
    {Py_tp_doc, "The tokens of a batch."},
    {0, NULL},
};
static PyType_Spec tokens_spec = {
    .name = "rusted_ring.native._hold.Tokens",
    .basicsize = sizeof(tokens),
    .itemsize = 8,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = tokens_slots,
};

static tokens *tokens_new(size_t count)
{
    allocfunc allocate = ABI_FUNCTION(allocfunc) PyType_GetSlot(tokens_type, Py_tp_alloc);
    tokens *made = (tokens *)allocate(tokens_type, (Py_ssize_t)count);
    if (made != NULL)
        made->shape = (Py_ssize_t)count;
    return made;
}

/* ------------------------------------------------------------------------------------------------------- allocator */

static PyObject *allocator_allocate(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    event taken;
    PyObject *checked;
    rr_allocator *allocator = owned_object(self, allocator_end);
    if (allocator == NULL
        || event_arguments(self, "_event_arguments", arguments, count, given, 3, &taken, &checked) < 0)
        return NULL;
    const char *data = taken.payload.data;
    Py_ssize_t length = taken.payload.length;
    uint32_t flags = taken.spill ? RR_SPILL : 0;
    rr_status status = RR_OK;
    const uint8_t *found = NULL;
    /* What holds the reference is made before it. */
    PyObject *made = pointer_new(pin_new((PyObject *)((owned *)self)->owner, NULL, length, 0), self);
    if (made != NULL) {
        if (length > RRB_LONG_BYTES) {
            Py_BEGIN_ALLOW_THREADS
            found = rr_allocate(allocator, data, (uint64_t)length, taken.event_type, flags, &status);
            Py_END_ALLOW_THREADS
        } else {
            found = rr_allocate(allocator, data, (uint64_t)length, taken.event_type, flags, &status);
        }
        if (found != NULL)
            ((pin *)((pinned *)made)->pin)->payload = (uint8_t *)(uintptr_t)found;
        else
            Py_CLEAR(made);
    }
    payload_end(&taken.payload);
    Py_XDECREF(checked);
    if (status != RR_OK)
        return refuse(self, "_refuse",
                      Py_BuildValue("(isni)", (int)status, "data", length, taken.spill));
    return made;
}

static PyObject *allocator_allocate_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    batch taken;
    PyObject *checked;
    rr_allocator *allocator = owned_object(self, allocator_end);
    if (allocator == NULL || batch_arguments(self, arguments, count, given, &taken, &checked) < 0)
        return NULL;
    size_t failed = 0;
    rr_status status = RR_OK;
    PyObject *view = NULL;
    tokens *made = tokens_new(taken.count);
    /* The view before the references, which nobody would hold where there is no memory for it. */
    if (made != NULL)
        view = PyMemoryView_FromObject((PyObject *)made);
    if (view != NULL) {
        int long_call = is_long(&taken);
        PyThreadState *state = long_call ? PyEval_SaveThread() : NULL;
        status = rr_allocate_many(allocator, taken.data, taken.lengths, taken.length, taken.event_types,
                                  taken.event_type, taken.count, made->words, &failed);
        if (long_call)
            PyEval_RestoreThread(state);
    }
    Py_XDECREF((PyObject *)made);
    uint32_t length = status == RR_OK ? 0 : length_of(&taken, failed);
    size_t events = taken.count;
    batch_end(&taken);
    Py_XDECREF(checked);
    if (status == RR_OK)
        return view;
    Py_DECREF(view);
    return refuse(self, "_refuse_batch",
                  Py_BuildValue("(innI)", (int)status, (Py_ssize_t)failed, (Py_ssize_t)events, length));
}

static PyObject *allocator_drop_many(PyObject *self, PyObject *const *arguments, Py_ssize_t argument_count,
                                     PyObject *given)
{
    static const int wanted[] = {TOKENS};
    PyObject *placed[1];
    uint64_t few[256];
    payload taken;
    rr_allocator *allocator = owned_object(self, allocator_end);
    if (allocator == NULL)
        return NULL;
    PyObject *checked = NULL;
    int usual = place_arguments(arguments, argument_count, given, wanted, 1, 1, placed)
                    ? take_column(placed[0], 'Q', 8, &taken)
                    : 0;
    if (usual == 0) {
        checked = in_python(self, "_token_arguments", arguments, argument_count, given);
        usual = checked == NULL ? -1 : take_column(checked, 'Q', 8, &taken);
        if (usual == 0)
            usual = not_usual("_token_arguments");
    }
    if (usual < 0) {
        Py_XDECREF(checked);
        return NULL;
    }
    size_t count = (size_t)taken.length / 8;
    uint64_t *words = count <= sizeof few / sizeof *few ? few : PyMem_Malloc(8 * count);
    if (words != NULL)
        memcpy(words, taken.data, 8 * count);
    payload_end(&taken);
    Py_XDECREF(checked);
    if (words == NULL)
        return PyErr_NoMemory();
    size_t failed = 0;
    int long_call = 8 * count > RRB_LONG_BYTES;
    PyThreadState *state = long_call ? PyEval_SaveThread() : NULL;
    rr_status status = rr_drop_many(allocator, words, count, &failed);
    if (long_call)
        PyEval_RestoreThread(state);
    unsigned long long wrong = status == RR_OK ? 0 : words[failed];
    if (words != few)
        PyMem_Free(words);
    if (status == RR_OK)
        return PyLong_FromSize_t(count);
    return refuse(self, "_refuse_token", Py_BuildValue("(inK)", (int)status, (Py_ssize_t)failed, wrong));
}

#define ALLOCATOR_ALLOCATE_DOC                                                                                          \
    DOC("allocate($self, /, data, event_type=0, *, spill=False)",                                                       \
        "Copy an event into a free slot of its class and return the pointer to it [ALLOC-1, ALLOC-5].\n\n"              \
        "Args:\n"                                                                                                       \
        "    data: the payload, any C-contiguous buffer.\n"                                                             \
        "    event_type: an unsigned 32-bit number [ALLOC-23].\n"                                                       \
        "    spill: whether to try the next larger classes where the pool is full [ALLOC-4].\n\n"                       \
        "Raises:\n"                                                                                                     \
        "    TypeError: an argument has a wrong type.\n"                                                                \
        "    ValueError: `data` is not contiguous, or `event_type` out of bounds.\n"                                    \
        "    PayloadTooLarge: the payload does not fit the heap's bounds [ALLOC-8].\n"                                  \
        "    PoolExhausted: no slot is free [ALLOC-3, ALLOC-7].")

#define ALLOCATOR_ALLOCATE_MANY_DOC                                                                                     \
    DOC("allocate_many($self, /, data, *, lengths=None, event_types=0)",                                                \
        "Allocate every event of a batch, or none, and return the tokens in their order [ALLOC-14].\n\n"                \
        "Args:\n"                                                                                                       \
        "    data: payloads back to back in one buffer, or a list or tuple of buffers.\n"                               \
        "    lengths: bytes of each payload of one buffer: one integer for all, or a sequence or buffer of u32; None:\n" \
        "        one event.\n"                                                                                          \
        "    event_types: one integer for all, or a sequence or buffer of u32, one each.\n\n"                           \
        "Returns:\n"                                                                                                    \
        "    A read-only view of format `Q`; each token stands for one loose reference [PTR-11].\n\n"                   \
        "Raises:\n"                                                                                                     \
        "    TypeError: an argument has a wrong type.\n"                                                                \
        "    ValueError: a buffer is not contiguous, or the numbers do not fit the data.\n"                             \
        "    PayloadTooLarge: a payload does not fit the heap's bounds [ALLOC-8].\n"                                    \
        "    PoolExhausted: the slots that are free do not suffice [ALLOC-3, ALLOC-7].")

#define ALLOCATOR_DROP_MANY_DOC                                                                                         \
    DOC("drop_many($self, /, tokens)",                                                                                  \
        "Give back the loose reference of each token, all or none [ALLOC-15].\n\n"                                      \
        "Args:\n"                                                                                                       \
        "    tokens: a buffer of unsigned 64-bit numbers, or an iterable of integers.\n\n"                              \
        "Returns:\n"                                                                                                    \
        "    How many were given back.\n\n"                                                                             \
        "Raises:\n"                                                                                                     \
        "    TypeError: `tokens` has a wrong type.\n"                                                                   \
        "    ValueError: a token names no pool, slot and generation of the allocator [PTR-16].\n"                       \
        "    StaleHandle: the event of a token is gone [PTR-15].\n"                                                     \
        "    RefCountUnderflow: a token has no loose reference left [PTR-14].")

static PyMethodDef allocator_methods[] = {
    {"allocate", FASTCALL(allocator_allocate), METH_FASTCALL | METH_KEYWORDS, ALLOCATOR_ALLOCATE_DOC},
    {"allocate_many", FASTCALL(allocator_allocate_many), METH_FASTCALL | METH_KEYWORDS, ALLOCATOR_ALLOCATE_MANY_DOC},
    {"drop_many", FASTCALL(allocator_drop_many), METH_FASTCALL | METH_KEYWORDS, ALLOCATOR_DROP_MANY_DOC},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot allocator_slots[] = {
    {Py_tp_methods, allocator_methods},
    {Py_tp_doc, "The hot methods of an allocator."},
    {0, NULL},
};
static PyType_Spec allocator_spec = {
    .name = "rusted_ring.native._hold.Allocator",
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = allocator_slots,
};

/* ------------------------------------------------------------------------------------------------------------ setup */

/* meet(RingPtr, Reader, PooledEvent, EventBatch), once: the classes of what is made here, which are written in Python. */
static PyObject *meet(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    (void)module;
    PyTypeObject *classes[4];
    for (Py_ssize_t i = 0; i < 4; i++) {
        if (count != 4 || pointer_class != NULL || !PyType_Check(arguments[i]))
            return PyErr_Format(PyExc_TypeError, "meet takes 4 classes, once");
        classes[i] = (PyTypeObject *)arguments[i];
    }
    if (!PyType_IsSubtype(classes[0], pinned_type) || !PyType_IsSubtype(classes[1], owned_type)
        || !PyType_IsSubtype(classes[2], &PyTuple_Type))
        return PyErr_Format(PyExc_TypeError, "meet takes a class of pointers, of readers, of tuples and of batches");
    for (int i = 0; i < BATCH_FIELDS; i++) {
        batch_fields[i] = PyObject_GetAttrString(arguments[3], batch_field_names[i]);
        if (batch_fields[i] == NULL)
            return NULL;
        if (Py_TYPE(batch_fields[i]) != &PyMemberDescr_Type)
            return PyErr_Format(PyExc_TypeError, "%s is no slot of a batch", batch_field_names[i]);
    }
    for (Py_ssize_t i = 0; i < 4; i++)
        Py_INCREF(arguments[i]);
    pointer_class = classes[0];
    reader_class = classes[1];
    event_class = classes[2];
    batch_class = classes[3];
    pointer_alloc = ABI_FUNCTION(allocfunc) PyType_GetSlot(pointer_class, Py_tp_alloc);
    event_alloc = ABI_FUNCTION(allocfunc) PyType_GetSlot(event_class, Py_tp_alloc);
    batch_alloc = ABI_FUNCTION(allocfunc) PyType_GetSlot(batch_class, Py_tp_alloc);
    batch_set = ABI_FUNCTION(descrsetfunc) PyType_GetSlot(&PyMemberDescr_Type, Py_tp_descr_set);
    Py_RETURN_NONE;
}

/* Adds a type to the module under the last part of its name. */
static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec, PyTypeObject *base)
{
    PyObject *made = PyType_FromSpecWithBases(spec, (PyObject *)base);
    if (made != NULL && PyModule_AddObjectRef(module, strrchr(spec->name, '.') + 1, made) < 0)
        Py_CLEAR(made);
    return (PyTypeObject *)made;
}

static int add_methods(PyObject *module)
{
    for (int i = 0; i < NAMES; i++)
        if ((names[i] = PyUnicode_InternFromString(name_texts[i])) == NULL)
            return -1;
    PyObject *time = PyImport_ImportModule("time");
    give_way = time == NULL ? NULL : PyObject_GetAttrString(time, "sleep");
    Py_XDECREF(time);
    owned_type = add_type(module, &owned_spec, NULL);
    pinned_type = add_type(module, &pinned_spec, NULL);
    tokens_type = add_type(module, &tokens_spec, NULL);
    return give_way == NULL || owned_type == NULL || pinned_type == NULL || tokens_type == NULL
                   || add_type(module, &writer_spec, owned_type) == NULL
                   || add_type(module, &reader_spec, owned_type) == NULL
                   || add_type(module, &allocator_spec, owned_type) == NULL
                   || add_type(module, &pointer_spec, pinned_type) == NULL
               ? -1
               : 0;
}
