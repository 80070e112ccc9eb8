/*
 * The binding: the Python API over rusted_ring.h, as one extension module of the stable ABI. Its files, from the bottom up
 * (none needs one below it in this list):
 *
 *   state.c      the module's state, the count of forks, the registered Python classes
 *   clock.c      the monotonic clock, and the time slices of tasks in an event loop
 *   arguments.c  conversion of a call's arguments
 *   owners.c     owners, which free the core's objects, and the base of objects that use one
 *   ring.c       RingBuffer
 *   in_place.c   slots that are lent to the program: Reservation, Peek
 *   writer.c     Writer
 *   reader.c     Reader: reading, waiting, batches
 *   pointers.c   pins, RingPtr, Loan, WeakRingPtr
 *   pools.c      EventPools, and the calls that take a slot index
 *   allocator.c  EventAllocator, and the functions for compatibility
 *   module.c     the module
 *
 * A method has a fast path and a slow path for its arguments. The fast path converts arguments of the most common types. For
 * all others the slow path calls a method written in Python, which checks the arguments and returns them as those types, or
 * raises. So each check of an argument is written once. The errors of the core are raised in Python too.
 *
 * Any Python code may run in the middle of a call (`__index__`, `__buffer__`, finalizers, signal handlers). Three rules keep
 * every call atomic all the same:
 *   - A call first makes the objects that will hold what the core returns, and then calls the core.
 *   - A call converts its arguments first, and then looks up the core's object: a conversion may have closed it.
 *   - An object gets its owner once, in one step; a second initialization raises a TypeError.
 *
 * The GIL protects what is marked [GIL]: it is read and written only with the GIL held, and nothing between a read and the
 * write that depends on it can release the GIL. A build without a GIL needs a lock or an atomic at each mark. A call that
 * copies more than LONG_BYTES releases the GIL, and marks the writer or reader as busy meanwhile. The core itself needs no GIL.
 */
#ifndef RR_BINDING_H
#define RR_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rusted_ring.h"

#if defined(__GNUC__)
#  pragma GCC visibility push(hidden) /* only the files of the binding call these functions */
#endif

#define LONG_BYTES 65536 /* a call that copies more bytes releases the GIL */

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)
#define DOC(signature, text) signature "\n--\n\n" text

/* The stable ABI passes functions as `void *`, which ISO C leaves to the platform; every platform of CPython has it. */
#if defined(__GNUC__)
#  define ABI_FUNCTION __extension__
#else
#  define ABI_FUNCTION
#endif

/* ---------------------------------------------------------------------------------------------------------- state */

enum { DATA, EVENT_TYPE, SPILL, LENGTHS, EVENT_TYPES, LIMIT, TOKENS, TIMEOUT, LENGTH, ALLOCATOR, TOKEN, POOL_ID, SLOT_INDEX,
       GENERATION, EVENTS, NAMES };

enum { FIRST_SEQUENCE, COUNT, BLOCK, ENDS, BATCH_FIELDS };

/* A class written in Python of which the binding makes objects; NULL before it is registered, and after the module's end. */
typedef struct python_class {
    PyTypeObject *type;
    allocfunc allocate;
} python_class;

/* The state of one module object. Every interpreter has one, and every import after a deletion from sys.modules makes another.
 * [GIL] */
typedef struct state {
    PyTypeObject *owner_type, *pin_type, *tokens_type, *pinned_type, *lent_type, *in_place_type, *reservation_type, *peek_type;
    PyTypeObject *ring_type, *writer_type, *reader_type, *pools_type, *allocator_type;
    PyTypeObject *pointer_type, *loan_type, *weak_type;
    python_class pointer, loan, weak, event, batch, reservation, peek;
    PyTypeObject *reader_class, *forked_copy, *end_of_stream; /* the last two are errors */
    PyObject *batch_fields[BATCH_FIELDS];
    descrsetfunc batch_set; /* sets each of batch_fields */
    PyObject *names[NAMES];
} state;

extern const char *const name_texts[NAMES];
extern const char *const batch_field_names[BATCH_FIELDS];

extern struct PyModuleDef *module_definition; /* set once the module is loaded */

/* The state of the module that made a type or one of its bases; NULL with an error. */
state *state_of_type(PyTypeObject *type);

/* Makes a zeroed object of a registered class; NULL with an error. The only Python code that it can run is that of objects which
 * the garbage collector destroys. */
PyObject *python_class_new(const python_class *made, const char *what, Py_ssize_t items);

/* register_type(name, type), a function of the module: registers a class of which the binding makes objects, or which it
 * recognises. A second call with the name replaces the class. */
PyObject *register_type(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* own_methods(type), a function of the module: gives a class written in Python descriptors of its own for the methods and properties
 * that it inherits from types of the module. CPython's specialized calls need an object whose type is exactly the descriptor's. With
 * them `add` and `next` of 64 bytes take 134 ns instead of 165, and `allocate`, `data` and `drop` 222 instead of 259 (minima of 100
 * rounds in one process, CPython 3.11). */
PyObject *own_methods(PyObject *module, PyObject *type);

/* How many forks lie between the process that loaded this module and this process. An object that was made at another number
 * belongs to a parent process. The count is one for all interpreters. Only the single thread of a new child writes it, before it
 * does anything else, so relaxed accesses are enough. */
extern _Atomic unsigned long forks;

/* Starts counting forks: 0, or -1 with an error. */
int watch_forks(void);

static inline unsigned long forks_now(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

/* ----------------------------------------------------------------------------------------------------------- owners */

/*
 * Frees a ring, writer, reader or allocator when it is destroyed, and keeps its parent alive until then.
 *
 * The cyclic garbage collector does not track this type, nor that of pins. It finalizes the objects of a cycle in any order: an
 * allocator before its pointers, and either before the finalizers of objects that still use them. It does not see the references
 * that owners and pins hold, so these live until the last reference to them is gone, whatever the order.
 */
typedef struct owner {
    PyObject_HEAD
    state *state; /* alive while this object is: its type refers to the module */
    void *object; /* the core's object; NULL before it is made, and for a writer or reader that a forked child has closed [GIL] */
    void (*end)(void *object);
    struct owner *parent; /* or NULL */
    unsigned long forks; /* forks_now() when it was made */
    struct lent *lent;   /* the slots of a writer's open reservation or of a reader's open peek, or NULL [GIL] */
    int busy;            /* a call on a writer or reader has released the GIL and not returned [GIL] */
    uint32_t attempts;   /* of a reader; see slice_lasts [GIL] */
} owner;

owner *owner_new(state *state, void (*end)(void *), owner *parent);

/* The base of RingBuffer, Writer, Reader, EventPools and EventAllocator. */
typedef struct owned {
    PyObject_HEAD
    owner *owner;   /* NULL before the object is initialized; then it never changes [GIL] */
    PyObject *more; /* a RingBuffer, a Profile, EventPools; set with the owner */
} owned;

void owned_dealloc(PyObject *self);
int owned_traverse(PyObject *self, visitproc visit, void *arg);
int owned_clear(PyObject *self);
#define OWNED_SLOTS                                       \
    {Py_tp_dealloc, ABI_FUNCTION(void *) owned_dealloc},   \
    {Py_tp_traverse, ABI_FUNCTION(void *) owned_traverse}, \
    {Py_tp_clear, ABI_FUNCTION(void *) owned_clear}
#define OWNED_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC)

/* -1 with a TypeError if the object is initialized, else 0. */
int owned_unmade(PyObject *self);

/* Gives an object its owner, once. Takes over the reference to the owner, and adds one to `more`. -1 with a TypeError if the
 * object has an owner. */
int owned_become(PyObject *self, owner *held, PyObject *more);

/* The owner; NULL with an error if the object was not initialized. Works after a fork too. */
owner *owned_made(PyObject *self);

/* The owner of an argument that must be of a type; NULL with an error. */
owner *owned_argument(PyObject *value, PyTypeObject *type, const char *name);

/* The address of the core's object, for cffi; a method of every such type. `use` is the name of the call, for an error. */
PyObject *owned_address(PyObject *self, PyObject *use);
#define ADDRESS_METHOD {"_address", owned_address, METH_O, "_address(use): the address of the core's object."}

/* Makes sure that this process can use an object; a method of writers and readers. */
PyObject *owned_check(PyObject *self, PyObject *use);
#define USE_METHOD {"_use", owned_check, METH_O, "_use(use): make sure that this process can use the object."}

/* Raises ForkedCopy: a parent process made the object. */
void *refuse_fork(PyObject *self, const state *state, const char *use);

/* The owner, for a call named `use`; NULL with an error if the object was not initialized or a parent process made it. */
owner *owned_refuse(PyObject *self, const char *use);
static inline owner *owned_use(PyObject *self, const char *use)
{
    owner *held = ((owned *)self)->owner;
    return held != NULL && held->forks == forks_now() ? held : owned_refuse(self, use);
}

/* Waits until no other thread is in a call on a writer or reader that has released the GIL: 0; -1 with an error if a signal
 * handler raised one, or if this process is a fork. */
int owner_wait_ready(PyObject *self, owner *held, const char *use);
static inline int owner_ready(PyObject *self, owner *held, const char *use)
{
    return !held->busy && held->forks == forks_now() ? 0 : owner_wait_ready(self, held, use);
}

/* Prepares to close a writer or reader: 1 if the caller must close the core's object; 0 in a forked child, which only forgets
 * its parent's object; -1 with an error. */
int owner_close(PyObject *self, owner *held);

/* The descriptor of a writer or reader as an int; if the core returned an error, the error that _refuse_descriptor raises. */
PyObject *descriptor_found(PyObject *self, int found);

#define NO_WAIT 0
#define FOREVER (-1)

/* Sleeps without the GIL until there may be an event for a reader or room for a writer: 1 to look again, 0 if the time is up, -1
 * with an error. `sleep` returns RR_EMPTY if nothing came within so many nanoseconds.
 *
 * The object is not busy meanwhile: other threads may use it and close it. Its memory stays valid, since the caller refers to it. A
 * signal ends a sleep, and its handler runs at once [RING-33]. But a signal does not end a sleep if it arrives between the last
 * check for signals and the sleep, or if another thread of the process receives it. So the first sleeps are short, and none is
 * longer than half a second. */
typedef rr_status (*core_sleep)(void *object, uint64_t sequence, int64_t nanoseconds);
int owner_sleep(PyObject *self, owner *held, int64_t until, const char *use, core_sleep sleep, uint64_t sequence);

/* Release and re-acquire the GIL around a call, if the call is long. */
static inline PyThreadState *begin_long(owner *held, int is_long)
{
    if (!is_long)
        return NULL;
    held->busy = 1;
    return PyEval_SaveThread();
}

static inline void end_long(owner *held, PyThreadState *thread)
{
    if (thread == NULL)
        return;
    PyEval_RestoreThread(thread);
    held->busy = 0;
}

void object_free(PyObject *self);

/* ------------------------------------------------------------------------------------------------------------ clock */

/* Nanoseconds of the monotonic clock. */
int64_t clock_now(void);

/* Whether the running task may make another attempt before it yields to its event loop [RING-54]: until a millisecond after the
 * loop last ran its other tasks. `attempts` is how many attempts may be made before the clock is read again, which happens after 1,
 * 2, 4, 8 and then every 16 attempts. */
int slice_check(uint32_t *attempts);
static inline int slice_lasts(uint32_t *attempts)
{
    if (*attempts == 0)
        return slice_check(attempts);
    --*attempts;
    return 1;
}

/* Functions of the module: whether the time slice is over; and a note that the event loop has run its other tasks. */
PyObject *time_slice_over(PyObject *module, PyObject *none);
PyObject *time_slice_begins(PyObject *module, PyObject *none);

/* -------------------------------------------------------------------------------------------------------- arguments */

/* Binds the arguments of a call to the parameters that `wanted` names by number: `bound[i]` is the argument of parameter i, NULL if
 * none was passed. 0 if the call does not fit the parameters; the slow path then raises the error. The first `needed` parameters are
 * required. */
int bind_arguments(const state *state, PyObject *const *arguments, Py_ssize_t count, PyObject *given, const int *wanted,
                    Py_ssize_t positional, Py_ssize_t all, Py_ssize_t needed, PyObject **bound);

/* The slow path: calls a method written in Python with the arguments of this call. */
PyObject *call_python(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count, PyObject *given);

/* As call_python, for a method that returns a tuple of `all` converted arguments, which are put in `bound`; NULL with an error. */
PyObject *checked_arguments(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count,
                            PyObject *given, Py_ssize_t all, PyObject **bound);

/* Raises the error for a method written in Python that returned arguments of types that the fast path does not take. */
void *unexpected_result(const char *method);

/* Raises the error of a status, by a call of a method written in Python; takes over the reference to its arguments. */
PyObject *refuse(PyObject *self, const char *method, PyObject *arguments);

/* 1 if a value is an `int`, but not a bool, that fits an unsigned number of 32 or 64 bits; else 0. */
int take_u32(PyObject *value, uint32_t *number);
int take_u64(PyObject *value, uint64_t *number);

/* The deadline of a timeout in seconds: a time of clock_now, NO_WAIT (also if `value` is NULL) or FOREVER. 0 if the value is not an
 * int, a float or None, or is out of bounds. */
int take_timeout(PyObject *value, int64_t *until);

/* The bytes of a buffer; `view` is to be released if `lent`. */
typedef struct payload {
    const char *data;
    Py_ssize_t length;
    int lent;
    Py_buffer view;
} payload;

void payload_return(payload *found);
static inline void payload_end(payload *found)
{
    if (found->lent)
        payload_return(found);
}

/* The bytes of a one-dimensional buffer of numbers of a format and size: 1; 0 if the value is not one; -1 with an error. */
int take_column(PyObject *value, char format, Py_ssize_t itemsize, payload *found);

/* An event as an argument. */
typedef struct event {
    payload payload;
    uint32_t event_type;
    int spill;
    int64_t until; /* as take_timeout */
} event;

/* Converts the arguments data, event_type and a keyword-only third one, SPILL or TIMEOUT. 0, and a reference in `checked` that the
 * caller releases after the call of the core (NULL if there is none); -1 with an error. */
int event_arguments(PyObject *self, const state *state, const char *method, PyObject *const *arguments, Py_ssize_t count,
                    PyObject *given, int third, event *found, PyObject **checked);

/* The arguments of the core's calls for batches. `data`, `lengths` and `event_types` point into the buffer that `payload` holds, or
 * into `room` or `heap`. Lengths and event types are copied: another thread could change the caller's during the call. */
typedef struct batch {
    const char *data;
    uint64_t total;
    size_t count;
    const uint32_t *lengths;
    const uint32_t *event_types;
    uint32_t length;
    uint32_t event_type;
    int64_t until; /* as take_timeout */
    payload payload;
    void *heap;
    _Alignas(8) char room[6 * 1024]; /* a few dozen short events fit without an allocation */
} batch;

/* As event_arguments, for data, lengths, event_types and, if `all` is 4, timeout; the caller calls batch_end. */
int batch_arguments(PyObject *self, const state *state, PyObject *const *arguments, Py_ssize_t count, PyObject *given,
                    Py_ssize_t all, batch *found, PyObject **checked);
void batch_end(batch *found);
int batch_is_long(const batch *found);
uint32_t batch_length(const batch *found, size_t at);

/* -------------------------------------------------------------------------------------------------------------- pins */

/*
 * One reference to a payload, or a loan; the pin releases it when it is destroyed. The payload is the pin's buffer: a view keeps the
 * pin alive, and the pin counts its views.
 */
typedef struct pin {
    PyObject_HEAD
    owner *owner;     /* of the allocator */
    uint8_t *payload; /* NULL before the pin has its reference, and after the reference was detached or committed [GIL] */
    Py_ssize_t length;
    Py_ssize_t views; /* buffers exported and not released [GIL] */
    int loan;
} pin;

/* A pin that has no reference yet. */
pin *pin_new(owner *of, Py_ssize_t length, int loan);

/* Makes a RingPtr or Loan with a pin that has no reference yet. `*held` is another reference to the pin, which the caller
 * releases: the garbage collector may run code that finds the object and ends it before the call returns it. NULL with an error. */
PyObject *pinned_new(const python_class *made, PyObject *allocator, owner *of, Py_ssize_t length, int loan, pin **held);

/* Gives a pin its reference. */
void pin_take(pin *held, const uint8_t *payload);

/* --------------------------------------------------------------------------------------------------- slots in place */

/*
 * The slots of a reservation or a peek; it ends that when it is destroyed. The slots are its buffer: a view keeps it alive, and it
 * counts its views [RING-66, RING-67, RING-75, RING-76]. It keeps the owner of the writer or reader alive, and so the ring's memory.
 */
typedef struct lent {
    PyObject_HEAD
    owner *owner;      /* of the writer or reader */
    int reading;       /* of a peek */
    uint8_t *memory;   /* NULL before the slots are lent, and after the end of that [GIL] */
    uint64_t first;    /* of a peek: the sequence number of the first event */
    Py_ssize_t count;  /* slots */
    Py_ssize_t stride; /* bytes between the beginnings of two slots */
    uint32_t size;     /* payload bytes of a slot */
    Py_ssize_t views;  /* buffers exported and not released [GIL] */
} lent;

/* Makes a Peek, or a Reservation, that has no slots yet; `*held` is another reference to its slots, which the caller releases. NULL
 * with an error. */
PyObject *in_place_new(owner *of, int reading, lent **held);

/* Gives it its slots. */
void lent_take(lent *held, uint8_t *memory, size_t count);

/* The slots are no longer the program's: they were published or released, or the writer or reader is closed. */
void lent_forget(lent *held);

/* ------------------------------------------------------------------------------------------------------------- types */

extern PyType_Spec owner_spec, pin_spec, tokens_spec, lent_spec, in_place_spec, reservation_spec, peek_spec;
extern PyType_Spec ring_spec, writer_spec, reader_spec, pools_spec, allocator_spec, pointer_spec, loan_spec, weak_spec;
extern PyType_Spec pinned_spec; /* the base of pointers and loans */

#if defined(__GNUC__)
#  pragma GCC visibility pop
#endif

#endif
