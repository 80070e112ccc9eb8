/* Conversion of a call's arguments to those of the core: the fast path, and the call of the slow path. */
#include "binding.h"

const char *const name_texts[NAMES] = {"data",   "event_type", "spill", "lengths", "event_types", "limit",      "tokens",
                                       "timeout", "length",    "allocator", "token", "pool_id",   "slot_index", "generation",
                                       "count"};

int bind_arguments(const state *state, PyObject *const *arguments, Py_ssize_t count, PyObject *given, const int *wanted,
                    Py_ssize_t positional, Py_ssize_t all, Py_ssize_t needed, PyObject **bound)
{
    if (count > positional)
        return 0;
    for (Py_ssize_t i = 0; i < all; i++)
        bound[i] = i < count ? arguments[i] : NULL;
    Py_ssize_t more = given == NULL ? 0 : PyTuple_Size(given);
    for (Py_ssize_t k = 0; k < more; k++) {
        PyObject *name = PyTuple_GetItem(given, k);
        Py_ssize_t at = count;
        while (at < all && state->names[wanted[at]] != name)
            at++;
        if (at == all || bound[at] != NULL)
            return 0;
        bound[at] = arguments[count + k];
    }
    for (Py_ssize_t i = 0; i < needed; i++)
        if (bound[i] == NULL)
            return 0;
    return 1;
}

PyObject *call_python(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count, PyObject *given)
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

void *unexpected_result(const char *method)
{
    return PyErr_Format(PyExc_SystemError, "%s returned arguments of unexpected types", method);
}

PyObject *checked_arguments(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count,
                            PyObject *given, Py_ssize_t all, PyObject **bound)
{
    PyObject *checked = call_python(self, method, arguments, count, given);
    if (checked == NULL)
        return NULL;
    if (!PyTuple_Check(checked) || PyTuple_Size(checked) != all) {
        Py_DECREF(checked);
        return unexpected_result(method);
    }
    for (Py_ssize_t i = 0; i < all; i++)
        bound[i] = PyTuple_GetItem(checked, i);
    return checked;
}

PyObject *refuse(PyObject *self, const char *method, PyObject *arguments)
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

/* ---------------------------------------------------------------------------------------------------------- numbers */

int take_u64(PyObject *value, uint64_t *number)
{
    /* Subclasses of int too, such as enumerations, but not bool [ERR-6]. */
    if (Py_TYPE(value) != &PyLong_Type && (!PyLong_Check(value) || PyBool_Check(value)))
        return 0;
    unsigned long long found = PyLong_AsUnsignedLongLong(value);
    if (found == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    *number = found;
    return 1;
}

int take_u32(PyObject *value, uint32_t *number)
{
    uint64_t found;
    if (!take_u64(value, &found))
        return 0;
    *number = (uint32_t)found;
    return found <= UINT32_MAX;
}

/* --------------------------------------------------------------------------------------------------------- timeouts */

#define CENTURIES 4e9 /* seconds */

int take_timeout(PyObject *value, int64_t *until)
{
    double seconds;
    *until = NO_WAIT;
    if (value == NULL)
        return 1;
    if (value == Py_None) {
        *until = FOREVER;
        return 1;
    }
    if (Py_TYPE(value) == &PyFloat_Type) {
        seconds = PyFloat_AsDouble(value);
    } else if (Py_TYPE(value) == &PyLong_Type) {
        seconds = PyLong_AsDouble(value);
        if (seconds == -1.0 && PyErr_Occurred())
            PyErr_Clear(); /* too large for a double; -1 takes the slow path */
    } else {
        return 0;
    }
    if (!(seconds >= 0))
        return 0;
    if (seconds >= CENTURIES) {
        *until = FOREVER;
    } else if (seconds > 0) {
        double nanoseconds = seconds * 1e9;
        *until = clock_now() + (int64_t)nanoseconds + 1;
    }
    return 1;
}

/* ---------------------------------------------------------------------------------------------------------- buffers */

/* After a failure to get a buffer: 0 if the slow path is to raise its error; -1 if the error is of another kind, and stays. */
static int no_buffer(void)
{
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError)
        && !PyErr_ExceptionMatches(PyExc_BufferError))
        return -1;
    PyErr_Clear();
    return 0;
}

void payload_return(payload *found)
{
    found->lent = 0;
    /* A buffer written in Python runs Python code here, which must not see an error of this call. */
    PyObject *kind, *error, *traceback;
    PyErr_Fetch(&kind, &error, &traceback);
    PyBuffer_Release(&found->view);
    PyErr_Restore(kind, error, traceback);
}

/* Whether a format has an `O`, a pointer to an object, outside the names of its fields [ALLOC-5]. */
static int has_objects(const char *format)
{
    int in_name = 0;
    for (; format != NULL && *format != 0; format++) {
        if (*format == ':')
            in_name = !in_name;
        else if (*format == 'O' && !in_name)
            return 1;
    }
    return 0;
}

/* The bytes of a payload: 1; 0 if the slow path is to check the value; -1 with an error. */
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
    /* Python's memoryview calls fewer empty buffers contiguous than PyBuffer_IsContiguous does. */
    int spread = view->len == 0 && view->ndim == 1 && view->strides != NULL && view->strides[0] != view->itemsize;
    if (!spread && PyBuffer_IsContiguous(view, 'C') && !has_objects(view->format))
        return 1;
    payload_end(found);
    return 0;
}

int take_column(PyObject *value, char format, Py_ssize_t itemsize, payload *found)
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

/* ----------------------------------------------------------------------------------------------------------- events */

/* data, event_type, and spill or timeout: 1, 0 or -1 as take_payload. */
static int take_event(PyObject *const *bound, int third, event *found)
{
    found->event_type = 0;
    found->spill = 0;
    found->until = NO_WAIT;
    if (bound[1] != NULL && !take_u32(bound[1], &found->event_type))
        return 0;
    if (bound[2] != NULL && third == TIMEOUT) {
        if (!take_timeout(bound[2], &found->until))
            return 0;
    } else if (bound[2] != NULL) {
        if (bound[2] != Py_True && bound[2] != Py_False)
            return 0;
        found->spill = bound[2] == Py_True;
    }
    return take_payload(bound[0], &found->payload);
}

int event_arguments(PyObject *self, const state *state, const char *method, PyObject *const *arguments, Py_ssize_t count,
                    PyObject *given, int third, event *found, PyObject **checked)
{
    const int wanted[] = {DATA, EVENT_TYPE, third};
    PyObject *bound[3] = {NULL, NULL, NULL};
    *checked = NULL;
    if (given == NULL && count == 1) { /* the most common call */
        bound[0] = arguments[0];
    } else if (!bind_arguments(state, arguments, count, given, wanted, 2, 3, 1, bound)) {
        bound[0] = NULL;
    }
    int taken = bound[0] == NULL ? 0 : take_event(bound, third, found);
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    *checked = checked_arguments(self, method, arguments, count, given, 3, bound);
    if (*checked == NULL)
        return -1;
    taken = take_event(bound, third, found);
    if (taken == 0)
        (void)unexpected_result(method);
    if (taken <= 0)
        Py_CLEAR(*checked);
    return taken <= 0 ? -1 : 0;
}

/* ---------------------------------------------------------------------------------------------------------- batches */

void batch_end(batch *found)
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

/* A list or tuple of bytes, joined: 1, 0 or -1 as take_payload. */
static int take_list(PyObject *data, batch *found)
{
    PyObject *(*item)(PyObject *, Py_ssize_t) = Py_TYPE(data) == &PyList_Type ? PyList_GetItem : PyTuple_GetItem;
    Py_ssize_t count = Py_TYPE(data) == &PyList_Type ? PyList_Size(data) : PyTuple_Size(data);
    size_t total = 0;
    /* [GIL] nothing changes the list between the two loops. */
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

/* Copies the columns of lengths and event types; either may be NULL. 1, 0 or -1 as take_payload. */
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
        if (found->count != 0)
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
        if (found->count != 0)
            memcpy(room, event_types->data, 4 * found->count);
        found->event_types = (const uint32_t *)(void *)room;
    }
    return 1;
}

/* data, lengths, event_types, and timeout if the call has one: 1, 0 or -1 as take_payload. */
static int take_batch(PyObject *const *bound, batch *found)
{
    PyObject *data = bound[0];
    PyObject *wanted = bound[1] == Py_None ? NULL : bound[1];
    found->payload.lent = 0;
    found->heap = NULL;
    found->lengths = found->event_types = NULL;
    found->length = found->event_type = 0;
    if (!take_timeout(bound[3], &found->until))
        return 0;
    int one_type = bound[2] == NULL || take_u32(bound[2], &found->event_type);
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
        taken = take_column(bound[2], 'I', 4, &event_types);
    if (taken > 0 && (lengths.lent || event_types.lent))
        taken = take_columns(found, lengths.lent ? &lengths : NULL, event_types.lent ? &event_types : NULL);
    payload_end(&lengths);
    payload_end(&event_types);
    if (taken <= 0)
        batch_end(found);
    return taken;
}

int batch_arguments(PyObject *self, const state *state, PyObject *const *arguments, Py_ssize_t count, PyObject *given,
                    Py_ssize_t all, batch *found, PyObject **checked)
{
    static const int wanted[] = {DATA, LENGTHS, EVENT_TYPES, TIMEOUT};
    PyObject *bound[4] = {NULL, NULL, NULL, NULL};
    *checked = NULL;
    int taken = bind_arguments(state, arguments, count, given, wanted, 1, all, 1, bound) ? take_batch(bound, found) : 0;
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    bound[3] = NULL;
    *checked = checked_arguments(self, "_batch_arguments", arguments, count, given, all, bound);
    if (*checked == NULL)
        return -1;
    taken = take_batch(bound, found);
    if (taken == 0)
        (void)unexpected_result("_batch_arguments");
    if (taken <= 0)
        Py_CLEAR(*checked);
    return taken <= 0 ? -1 : 0;
}

int batch_is_long(const batch *found)
{
    return found->total + 8 * found->count > LONG_BYTES;
}

uint32_t batch_length(const batch *found, size_t at)
{
    return found->lengths == NULL ? found->length : found->lengths[at];
}
