/* EventAllocator: it copies events into slots, one at a time or in batches; loans; the functions for compatibility. */
#include "binding.h"

/* ---------------------------------------------------------------------------------------------------------- tokens */

/* The block of tokens of which `allocate_many` returns a view. */
typedef struct tokens {
    PyObject_VAR_HEAD
    Py_ssize_t shape;
    uint64_t words[];
} tokens;

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
PyType_Spec tokens_spec = {
    .name = "rusted_ring.native._core.Tokens",
    .basicsize = sizeof(tokens),
    .itemsize = 8,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = tokens_slots,
};

static tokens *tokens_new(const state *state, size_t count)
{
    allocfunc allocate = ABI_FUNCTION(allocfunc) PyType_GetSlot(state->tokens_type, Py_tp_alloc);
    tokens *made = (tokens *)allocate(state->tokens_type, (Py_ssize_t)count);
    if (made != NULL)
        made->shape = (Py_ssize_t)count;
    return made;
}

/* -------------------------------------------------------------------------------------------------------- allocating */

/* _adopt(pools): initialize the allocator, which shares the owner of its pools. */
static PyObject *allocator_adopt(PyObject *self, PyObject *pools)
{
    state *state = owned_unmade(self) < 0 ? NULL : state_of_type(Py_TYPE(self));
    owner *held = state == NULL ? NULL : owned_argument(pools, state->pools_type, "pools");
    if (held == NULL || owned_become(self, (owner *)Py_NewRef((PyObject *)held), pools) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *allocator_get_pools(PyObject *self, void *unused)
{
    (void)unused;
    if (owned_made(self) == NULL)
        return NULL;
    PyObject *pools = ((owned *)self)->more;
    return Py_NewRef(pools == NULL ? Py_None : pools);
}

/* The core's allocator, after the conversion of the arguments; NULL with an error if that code forked the process. */
static rr_allocator *allocator_now(PyObject *self, owner *held, const char *use)
{
    return held->forks == forks_now() ? held->object : refuse_fork(self, held->state, use);
}

static PyObject *allocator_allocate(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    event taken;
    PyObject *checked;
    owner *held = owned_use(self, "allocate");
    if (held == NULL
        || event_arguments(self, held->state, "_event_arguments", arguments, count, given, SPILL, &taken, &checked) < 0)
        return NULL;
    const char *data = taken.payload.data;
    Py_ssize_t length = taken.payload.length;
    uint32_t flags = taken.spill ? RR_SPILL : 0;
    rr_status status = RR_OK;
    pin *holding;
    PyObject *made = pinned_new(&held->state->pointer, self, held, length, 0, &holding);
    rr_allocator *allocator = made == NULL ? NULL : allocator_now(self, held, "allocate");
    if (allocator != NULL) {
        const uint8_t *found;
        if (length > LONG_BYTES) {
            Py_BEGIN_ALLOW_THREADS
            found = rr_allocate(allocator, data, (uint64_t)length, taken.event_type, flags, &status);
            Py_END_ALLOW_THREADS
        } else {
            found = rr_allocate(allocator, data, (uint64_t)length, taken.event_type, flags, &status);
        }
        holding->payload = (uint8_t *)(uintptr_t)found;
    }
    if (made != NULL)
        Py_DECREF((PyObject *)holding);
    payload_end(&taken.payload);
    Py_XDECREF(checked);
    if (allocator != NULL && status == RR_OK)
        return made;
    Py_XDECREF(made);
    if (allocator == NULL)
        return NULL;
    return refuse(self, "_refuse", Py_BuildValue("(isni)", (int)status, "data", length, taken.spill));
}

static int take_loan(PyObject *const *bound, uint64_t *length, uint32_t *event_type)
{
    *event_type = 0;
    return take_u64(bound[0], length) && *length <= UINT32_MAX
           && (bound[1] == NULL || take_u32(bound[1], event_type));
}

static PyObject *allocator_loan(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    static const int wanted[] = {LENGTH, EVENT_TYPE};
    PyObject *bound[2];
    uint64_t length;
    uint32_t event_type;
    owner *held = owned_use(self, "loan");
    if (held == NULL)
        return NULL;
    if (!bind_arguments(held->state, arguments, count, given, wanted, 2, 2, 1, bound)
        || !take_loan(bound, &length, &event_type)) {
        PyObject *checked = checked_arguments(self, "_loan_arguments", arguments, count, given, 2, bound);
        if (checked == NULL)
            return NULL;
        int taken = take_loan(bound, &length, &event_type);
        Py_DECREF(checked);
        if (!taken)
            return unexpected_result("_loan_arguments");
    }
    rr_status status = RR_OK;
    pin *holding;
    PyObject *made = pinned_new(&held->state->loan, self, held, (Py_ssize_t)length, 1, &holding);
    rr_allocator *allocator = made == NULL ? NULL : allocator_now(self, held, "loan");
    uint8_t *found = NULL;
    if (allocator != NULL) {
        if (length > LONG_BYTES) {
            Py_BEGIN_ALLOW_THREADS
            found = rr_loan(allocator, length, event_type, &status);
            Py_END_ALLOW_THREADS
        } else {
            found = rr_loan(allocator, length, event_type, &status);
        }
        holding->payload = found;
    }
    if (made != NULL)
        Py_DECREF((PyObject *)holding);
    if (found != NULL)
        return made;
    Py_XDECREF(made);
    return allocator == NULL ? NULL
                             : refuse(self, "_refuse", Py_BuildValue("(isni)", (int)status, "length", (Py_ssize_t)length, 0));
}

static PyObject *allocator_allocate_many(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    batch taken;
    PyObject *checked;
    owner *held = owned_use(self, "allocate_many");
    if (held == NULL || batch_arguments(self, held->state, arguments, count, given, 3, &taken, &checked) < 0)
        return NULL;
    size_t failed = 0;
    rr_status status = RR_OK;
    PyObject *view = NULL;
    rr_allocator *allocator = NULL;
    tokens *made = tokens_new(held->state, taken.count);
    /* The view is made first: without memory for it, no object would hold the references. */
    if (made != NULL)
        view = PyMemoryView_FromObject((PyObject *)made);
    if (view != NULL)
        allocator = allocator_now(self, held, "allocate_many");
    if (allocator != NULL) {
        int long_call = batch_is_long(&taken);
        PyThreadState *thread = long_call ? PyEval_SaveThread() : NULL;
        status = rr_allocate_many(allocator, taken.data, taken.lengths, taken.length, taken.event_types,
                                  taken.event_type, taken.count, made->words, &failed);
        if (long_call)
            PyEval_RestoreThread(thread);
    }
    Py_XDECREF((PyObject *)made);
    uint32_t length = status == RR_OK ? 0 : batch_length(&taken, failed);
    size_t events = taken.count;
    batch_end(&taken);
    Py_XDECREF(checked);
    if (allocator != NULL && status == RR_OK)
        return view;
    Py_XDECREF(view);
    if (allocator == NULL)
        return NULL;
    return refuse(self, "_refuse_batch",
                  Py_BuildValue("(innI)", (int)status, (Py_ssize_t)failed, (Py_ssize_t)events, length));
}

static PyObject *allocator_drop_many(PyObject *self, PyObject *const *arguments, Py_ssize_t argument_count,
                                     PyObject *given)
{
    static const int wanted[] = {TOKENS};
    PyObject *bound[1];
    uint64_t few[256];
    payload buffer;
    owner *held = owned_use(self, "drop_many");
    if (held == NULL)
        return NULL;
    PyObject *checked = NULL;
    int taken = bind_arguments(held->state, arguments, argument_count, given, wanted, 1, 1, 1, bound)
                    ? take_column(bound[0], 'Q', 8, &buffer)
                    : 0;
    if (taken == 0) {
        checked = call_python(self, "_token_arguments", arguments, argument_count, given);
        taken = checked == NULL ? -1 : take_column(checked, 'Q', 8, &buffer);
        if (taken == 0)
            (void)unexpected_result("_token_arguments");
    }
    if (taken <= 0) {
        Py_XDECREF(checked);
        return NULL;
    }
    size_t count = (size_t)buffer.length / 8;
    uint64_t *words = count <= sizeof few / sizeof *few ? few : PyMem_Malloc(8 * count);
    if (words != NULL && count != 0)
        memcpy(words, buffer.data, 8 * count);
    payload_end(&buffer);
    Py_XDECREF(checked);
    if (words == NULL)
        return PyErr_NoMemory();
    size_t failed = 0;
    rr_status status = RR_OK;
    PyObject *answer = PyLong_FromSize_t(count); /* made before the call of the core, which cannot be undone */
    rr_allocator *allocator = answer == NULL ? NULL : allocator_now(self, held, "drop_many");
    if (allocator != NULL) {
        int long_call = 8 * count > LONG_BYTES;
        PyThreadState *thread = long_call ? PyEval_SaveThread() : NULL;
        status = rr_drop_many(allocator, words, count, &failed);
        if (long_call)
            PyEval_RestoreThread(thread);
    }
    unsigned long long wrong = status == RR_OK ? 0 : words[failed];
    if (words != few)
        PyMem_Free(words);
    if (allocator != NULL && status == RR_OK)
        return answer;
    Py_XDECREF(answer);
    if (allocator == NULL)
        return NULL;
    return refuse(self, "_refuse_token", Py_BuildValue("(inK)", (int)status, (Py_ssize_t)failed, wrong));
}

/* ---------------------------------------------------------------------------------------------- detached references */

/* Allocates an event with a detached reference, and returns its slot index or its token. */
static PyObject *allocate_detached(PyObject *self, const char *use, PyObject *const *arguments, Py_ssize_t count,
                                PyObject *given, int as_token)
{
    event taken;
    PyObject *checked;
    owner *held = owned_use(self, use);
    if (held == NULL
        || event_arguments(self, held->state, "_event_arguments", arguments, count, given, SPILL, &taken, &checked) < 0)
        return NULL;
    const char *data = taken.payload.data;
    Py_ssize_t length = taken.payload.length;
    uint64_t token = 0;
    rr_status status = RR_OK;
    rr_allocator *allocator = allocator_now(self, held, use);
    if (allocator != NULL) {
        PyThreadState *thread = length > LONG_BYTES ? PyEval_SaveThread() : NULL;
        status = rr_handle_ffi_event(allocator, data, (uint64_t)length, taken.event_type, &token);
        if (thread != NULL)
            PyEval_RestoreThread(thread);
    }
    payload_end(&taken.payload);
    Py_XDECREF(checked);
    if (allocator == NULL)
        return NULL;
    if (status != RR_OK)
        return refuse(self, "_refuse", Py_BuildValue("(isni)", (int)status, "data", length, 0));
    PyObject *number = PyLong_FromUnsignedLongLong(as_token ? token : token >> 40 & 0x1fffff /* [PTR-10] */);
    size_t failed;
    if (number == NULL) /* the caller would not know of the reference */
        (void)rr_drop_many(allocator, &token, 1, &failed);
    return number;
}

static PyObject *allocator_to_pool(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    return allocate_detached(self, "allocate_to_pool", arguments, count, given, 0);
}

static PyObject *allocator_to_token(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
{
    return allocate_detached(self, "handle_ffi_event", arguments, count, given, 1);
}

#define ALLOCATOR_ALLOCATE_DOC                                                                                          \
    DOC("allocate($self, /, data, event_type=0, *, spill=False)",                                                       \
        "Copy an event into a FREE slot of its size class and return a pointer to it [ALLOC-1].\n\n"                    \
        "Args:\n"                                                                                                       \
        "    data: any C-contiguous buffer; its bytes are the payload [ALLOC-5].\n"                                     \
        "    event_type: an unsigned 32-bit number [ALLOC-23].\n"                                                       \
        "    spill: whether to try the larger size classes in turn if the pool is full [ALLOC-4].\n\n"                  \
        "Raises:\n"                                                                                                     \
        "    TypeError: an argument has a wrong type.\n"                                                                \
        "    ValueError: the buffer is not contiguous, or `event_type` is out of its bounds.\n"                         \
        "    PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].\n"                       \
        "    PoolExhausted: no slot is free [ALLOC-3].")

#define ALLOCATOR_LOAN_DOC                                                                                              \
    DOC("loan($self, /, length, event_type=0)",                                                                         \
        "Lend a slot of the smallest size class that fits, to write an event in place [LOAN-1, LOAN-2].\n\n"            \
        "Args:\n"                                                                                                       \
        "    length: payload length in bytes.\n"                                                                        \
        "    event_type: an unsigned 32-bit number [ALLOC-23].\n\n"                                                     \
        "Raises:\n"                                                                                                     \
        "    TypeError: an argument is not an integer.\n"                                                               \
        "    ValueError: `length` is below 0, or `event_type` is out of its bounds.\n"                                  \
        "    PayloadTooLarge: the payload needs XXL and is longer than `heap_bytes` [ALLOC-8].\n"                       \
        "    PoolExhausted: no slot is free [ALLOC-3].")

#define ALLOCATOR_ALLOCATE_MANY_DOC                                                                                     \
    DOC("allocate_many($self, /, data, *, lengths=None, event_types=0)",                                                \
        "Allocate every event of a batch, or none, and return the tokens in order [ALLOC-14].\n\n"                      \
        "Args:\n"                                                                                                       \
        "    data: a buffer of payloads back to back, or a list or tuple of buffers.\n"                                 \
        "    lengths: the length of each payload in a buffer, in bytes: one integer above 0 for all, or a sequence or\n" \
        "        buffer with an integer for each; None if the buffer is one event, or if `data` is a list or tuple.\n"  \
        "    event_types: one integer for all events, or a sequence or buffer with an integer for each [ALLOC-23].\n\n" \
        "Returns:\n"                                                                                                    \
        "    A read-only view of format `Q`: a token for each event, which stands for one detached reference [PTR-11].\n\n" \
        "Raises:\n"                                                                                                     \
        "    TypeError: an argument, or an item of one, has a wrong type.\n"                                            \
        "    ValueError: a buffer is not contiguous, lengths do not cover the data, or a number is out of its bounds.\n" \
        "    PayloadTooLarge: a payload needs XXL and is longer than `heap_bytes` [ALLOC-8].\n"                         \
        "    PoolExhausted: the FREE slots are too few [ALLOC-3].")

#define ALLOCATOR_DROP_MANY_DOC                                                                                         \
    DOC("drop_many($self, /, tokens)",                                                                                  \
        "Release the detached reference of every token, or of none [ALLOC-15].\n\n"                                     \
        "Args:\n"                                                                                                       \
        "    tokens: a buffer of format `Q`, or an iterable of integers; a token occurs once for each detached reference\n" \
        "        to release.\n\n"                                                                                       \
        "Returns:\n"                                                                                                    \
        "    How many references were released.\n\n"                                                                    \
        "Raises:\n"                                                                                                     \
        "    TypeError: `tokens` has a wrong type.\n"                                                                   \
        "    ValueError: a token names no pool, slot and generation of the allocator [PTR-16].\n"                       \
        "    StaleHandle: the event of a token is gone [PTR-15].\n"                                                     \
        "    RefCountUnderflow: a token occurs more often than it has detached references [PTR-14].")

static PyMethodDef allocator_methods[] = {
    ADDRESS_METHOD,
    {"_adopt", allocator_adopt, METH_O, "_adopt(pools): initialize the allocator with its pools."},
    {"_to_pool", FASTCALL(allocator_to_pool), METH_FASTCALL | METH_KEYWORDS, "_to_pool(data, event_type): a slot index."},
    {"_to_token", FASTCALL(allocator_to_token), METH_FASTCALL | METH_KEYWORDS, "_to_token(data, event_type): a token."},
    {"allocate", FASTCALL(allocator_allocate), METH_FASTCALL | METH_KEYWORDS, ALLOCATOR_ALLOCATE_DOC},
    {"loan", FASTCALL(allocator_loan), METH_FASTCALL | METH_KEYWORDS, ALLOCATOR_LOAN_DOC},
    {"allocate_many", FASTCALL(allocator_allocate_many), METH_FASTCALL | METH_KEYWORDS, ALLOCATOR_ALLOCATE_MANY_DOC},
    {"drop_many", FASTCALL(allocator_drop_many), METH_FASTCALL | METH_KEYWORDS, ALLOCATOR_DROP_MANY_DOC},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef allocator_getset[] = {
    {"pools", allocator_get_pools, NULL, "The allocator's pools [ALLOC-1].", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot allocator_slots[] = {
    OWNED_SLOTS,
    {Py_tp_methods, allocator_methods},
    {Py_tp_getset, allocator_getset},
    {Py_tp_doc, "The methods of an allocator that are written in C."},
    {0, NULL},
};
PyType_Spec allocator_spec = {
    .name = "rusted_ring.native._core.Allocator",
    .basicsize = sizeof(owned),
    .flags = OWNED_FLAGS,
    .slots = allocator_slots,
};
