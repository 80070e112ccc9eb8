/*
 * The binding: what Python calls, over rusted_ring.h. One extension module of the stable ABI, in these chapters:
 *
 *   arguments.c  what a call was given, as the core takes it
 *   handles.c    owners, which free what the core made, and the base of objects that are used through one
 *   turns.c      how long a task that need not wait goes on before the event loop has its turn
 *   ring.c       RingBuffer
 *   writer.c     Writer
 *   reader.c     Reader: reading, waiting, batches
 *   pools.c      EventPools, and the calls that name a slot
 *   allocator.c  EventAllocator, and the functions of the seed
 *   pointers.c   pins, RingPtr, Loan
 *   module.c     the module, its state, the classes written in Python that are made here
 *
 * A method takes its arguments as they are where they have their usual types. All others it gives to a method written in
 * Python, which checks them and returns them as those types, or raises; so there is one place for what is wrong with an
 * argument. Errors of the core are raised in Python too.
 *
 * Three rules keep every call whole, whatever Python code runs in the middle of it (`__index__`, `__buffer__`, finalizers,
 * handlers of signals):
 *   - What the core will give is owned before it is taken: the objects that hold it are made first.
 *   - What a call uses is looked up after its arguments were taken, for they may have closed it.
 *   - An object gets its owner once, in one step; whoever comes second gets a TypeError.
 *
 * The GIL protects what is marked [GIL]: it is changed and looked at with the GIL held and with nothing in between that
 * could give it up. A build without a GIL needs a lock, or an atomic, at each mark. A call that copies more than LONG_BYTES
 * gives the GIL up, and marks the writer or reader as busy meanwhile. The core's own structures need no GIL.
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
#  pragma GCC visibility push(hidden) /* what follows is called by the chapters alone */
#endif

#define LONG_BYTES 65536 /* a call that copies more gives up the GIL */

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
       GENERATION, NAMES };

enum { FIRST_SEQUENCE, COUNT, BLOCK, ENDS, BATCH_FIELDS };

/* A class written in Python whose objects are made here; NULL until it is told, and after the module's end. */
typedef struct made_class {
    PyTypeObject *type;
    allocfunc allocate;
} made_class;

/* The state of one module object: every interpreter, and every import after a deletion from sys.modules, has its own. [GIL] */
typedef struct state {
    PyTypeObject *owner_type, *pin_type, *tokens_type, *pinned_type;
    PyTypeObject *ring_type, *writer_type, *reader_type, *pools_type, *allocator_type;
    PyTypeObject *pointer_type, *loan_type, *weak_type;
    made_class pointer, loan, weak, event, batch;
    PyTypeObject *reader_class, *forked_copy, *end_of_stream; /* the last two are errors */
    PyObject *batch_fields[BATCH_FIELDS];
    descrsetfunc batch_set; /* that of all of them */
    PyObject *names[NAMES];
} state;

extern const char *const name_texts[NAMES];
extern const char *const batch_field_names[BATCH_FIELDS];

/* The state of the module that a type, or a base of it, was made by; NULL with an error. */
state *state_of_type(PyTypeObject *type);

/* Makes an object of a class told; NULL with an error. It is zeroed, and nothing of Python's ran for it but the collector. */
PyObject *made_new(const made_class *made, const char *what, Py_ssize_t items);

/* How often the process is a fork of another since this module was loaded: what was made at another number is the parent's. It
 * is of the process, not of an interpreter. Only the one thread of a new child writes it, before it does anything else, so that
 * relaxed accesses are enough. */
extern _Atomic unsigned long forks;

static inline unsigned long forks_now(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

/* ---------------------------------------------------------------------------------------------------------- handles */

/*
 * Frees a ring, writer, reader or allocator at its end, and keeps its parent alive until then.
 *
 * The collector of cycles does not know this type, nor that of pins. It finalizes the objects of a cycle in any order, an
 * allocator before its pointers, and before the finalizers of objects that still use them; an owner or a pin it sees as
 * held from outside, so that it lives until the last reference is gone, whatever the order.
 */
typedef struct owner {
    PyObject_HEAD
    state *state; /* lives as long as the type of this, which refers to the module */
    void *object; /* NULL: not made yet, or a writer or reader that a forked child has closed [GIL] */
    void (*end)(void *object);
    struct owner *parent; /* or NULL */
    unsigned long forks; /* forks_now() when it was made */
    int busy;            /* a call on a writer or reader has given up the GIL [GIL] */
    uint32_t attempts;   /* of a reader, see turn_lasts [GIL] */
} owner;

owner *owner_new(state *state, void (*end)(void *), owner *parent);

/* The base of RingBuffer, Writer, Reader, EventPools and EventAllocator. */
typedef struct owned {
    PyObject_HEAD
    owner *owner;   /* NULL until it is made, and the same one from then on [GIL] */
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

/* -1 with a TypeError where the object is made already, else 0. */
int owned_unmade(PyObject *self);

/* Gives an object its owner, once; takes it, and a reference to `more`. -1 with a TypeError where another was first. */
int owned_become(PyObject *self, owner *held, PyObject *more);

/* The owner; NULL with an error where the object was not made. Works after a fork too. */
owner *owned_made(PyObject *self);


/* The owner of an argument that must be of a type; NULL with an error. */
owner *owned_argument(PyObject *value, PyTypeObject *type, const char *name);

/* Where the object is, for cffi; a method of every such type: _address(use). */
PyObject *owned_address(PyObject *self, PyObject *use);
#define ADDRESS_METHOD {"_address", owned_address, METH_O, "_address(use): where the core's object is, for a use."}

/* Makes sure that an object can be used; a method of writers and readers: _use(use). */
PyObject *owned_check(PyObject *self, PyObject *use);
#define USE_METHOD {"_use", owned_check, METH_O, "_use(use): make sure that there can be this use."}

/* Raises for the use of an object that was made before a fork. */
void *refuse_fork(PyObject *self, const state *state, const char *use);

/* The owner for a use of that name; NULL with an error where the object was not made, or is a forked parent's. */
owner *owned_refuse(PyObject *self, const char *use);
static inline owner *owned_use(PyObject *self, const char *use)
{
    owner *held = ((owned *)self)->owner;
    return held != NULL && held->forks == forks_now() ? held : owned_refuse(self, use);
}

/* Waits until no other thread is in a call on a writer or reader without the GIL: 0, or -1 with an error where a signal's
 * handler raised or a fork came between. `use` is for the latter. */
int owner_wait(PyObject *self, owner *held, const char *use);
static inline int owner_turn(PyObject *self, owner *held, const char *use)
{
    return !held->busy && held->forks == forks_now() ? 0 : owner_wait(self, held, use);
}

/* Before a writer or reader is closed: 1 where the core's object is to be closed; 0 in a forked child, which lets go of its parent's;
 * -1 with an error. */
int owner_close(PyObject *self, owner *held);

/* The descriptor of a writer or reader, or what _refuse_descriptor raises, given what the core returned. */
PyObject *descriptor_found(PyObject *self, int found);

#define NO_WAIT 0
#define FOREVER (-1)

/* Sleeps without the GIL until the core has something for a reader or a writer: 1 to look, 0 where the time is up, -1 with an
 * error. `sleep` returns RR_EMPTY where there was nothing in so many nanoseconds.
 *
 * The object is not busy meanwhile: other threads use it and close it. Its memory stays, since the caller refers to it. A signal
 * ends a sleep, and its handler runs at once [RING-33]. A signal that comes just before a sleep, after the last look for signals,
 * ends none, nor does one that another thread of the process receives. So the sleeps are short at first, and never so long that a
 * handler has to wait for more than a moment. */
typedef rr_status (*core_sleep)(void *object, uint64_t sequence, int64_t nanoseconds);
int owner_sleep(PyObject *self, owner *held, int64_t until, const char *use, core_sleep sleep, uint64_t sequence);

/* Begins and ends a call without the GIL, where it is long. */
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

/* Nanoseconds of the monotonic clock. */
int64_t clock_now(void);

/* ------------------------------------------------------------------------------------------------------------ turns */

/* Whether the running task may make an attempt before the thread's event loop has its turn [RING-54]. It may until a
 * millisecond after the loop was last known to go round. `attempts` are those that may be made before the next look at the
 * clock, which comes after 1, 2, 4, 8 and then each 16 of them. */
int turn_look(uint32_t *attempts);
static inline int turn_lasts(uint32_t *attempts)
{
    if (*attempts == 0)
        return turn_look(attempts);
    --*attempts;
    return 1;
}

/* As functions of the module: turn_over(), and turn_begins(), for when the loop went round. */
PyObject *tell_turn_over(PyObject *module, PyObject *none);
PyObject *tell_turn_begins(PyObject *module, PyObject *none);

/* -------------------------------------------------------------------------------------------------------- arguments */

/* Puts arguments in `placed`, positional ones first, by the numbers of their names; NULL where one is not given. 0 where
 * they are not as they should be: Python says then what is wrong. The first `needed` must be there. */
int place_arguments(const state *state, PyObject *const *arguments, Py_ssize_t count, PyObject *given, const int *wanted,
                    Py_ssize_t positional, Py_ssize_t all, Py_ssize_t needed, PyObject **placed);

/* Calls a method, or with `self` NULL a function, written in Python with a method's own arguments. */
PyObject *in_python(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count, PyObject *given);

/* As in_python, for a tuple of `all` usual arguments, which are put in `placed`; NULL with an error. */
PyObject *checked_arguments(PyObject *self, const char *method, PyObject *const *arguments, Py_ssize_t count,
                            PyObject *given, Py_ssize_t all, PyObject **placed);

/* The error where a method written in Python returned what is not usual. */
void *not_usual(const char *method);

/* Raises what a method written in Python raises for a status; takes the tuple of its arguments. */
PyObject *refuse(PyObject *self, const char *method, PyObject *arguments);

/* Whether a value is an `int`, and no bool, of 32 bits, or 64, without a sign. */
int take_u32(PyObject *value, uint32_t *number);
int take_u64(PyObject *value, uint64_t *number);

/* When a wait of so many seconds from now is over, or NO_WAIT, also for no value, or FOREVER. 0 where it is no usual number of
 * seconds. */
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

/* A column of numbers of a format and size, to be copied from: 1 where it is one, 0 where not, -1 with an error. */
int take_column(PyObject *value, char format, Py_ssize_t itemsize, payload *found);

/* An event as an argument. */
typedef struct event {
    payload payload;
    uint32_t event_type;
    int spill;
    int64_t until; /* as take_timeout */
} event;

/* The event of a method's arguments data, event_type and, by its name alone, a third one, SPILL or TIMEOUT. 0, and `checked`
 * to be given up after the call; -1 with an error. */
int event_arguments(PyObject *self, const state *state, const char *method, PyObject *const *arguments, Py_ssize_t count,
                    PyObject *given, int third, event *found, PyObject **checked);

/* A batch as the core takes it. `data`, `lengths` and `event_types` are borrowed from what `payload` holds, or lie in
 * `room` or in `heap`: numbers that the core reads without the GIL, or that somebody could change with it held, are
 * copied. */
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
    _Alignas(8) char room[6 * 1024]; /* so that a few dozen short events need no heap */
} batch;

/* As event_arguments, by _batch_arguments: data, lengths, event_types and, if `all` is 4, timeout; the batch is to be ended. */
int batch_arguments(PyObject *self, const state *state, PyObject *const *arguments, Py_ssize_t count, PyObject *given,
                    Py_ssize_t all, batch *found, PyObject **checked);
void batch_end(batch *found);
int batch_is_long(const batch *found);
uint32_t batch_length(const batch *found, size_t at);

/* -------------------------------------------------------------------------------------------------------------- pins */

/*
 * One reference to a payload, or a loan; gives it back at its end. Its buffer is the payload, so that a view keeps the pin,
 * and the pin counts the views.
 */
typedef struct pin {
    PyObject_HEAD
    owner *owner;     /* of the allocator */
    uint8_t *payload; /* NULL before the reference is there, and once it was given away [GIL] */
    Py_ssize_t length;
    Py_ssize_t views; /* buffers lent and not given back [GIL] */
    int loan;
} pin;

/* A pin that has no reference yet. */
pin *pin_new(owner *of, Py_ssize_t length, int loan);

/* A RingPtr or Loan of an allocator with a pin that has no reference yet, which `*held` becomes; NULL with an error. The caller
 * gives the pin up too: through the collector somebody may find the handle, and end it, before it is returned. */
PyObject *pinned_new(const made_class *made, PyObject *allocator, owner *of, Py_ssize_t length, int loan, pin **held);

/* Gives the reference of a pin and of what holds it. */
void pin_take(pin *held, const uint8_t *payload);

/* ------------------------------------------------------------------------------------------------------------- types */

extern PyType_Spec owner_spec, pin_spec, tokens_spec;
extern PyType_Spec ring_spec, writer_spec, reader_spec, pools_spec, allocator_spec, pointer_spec, loan_spec, weak_spec;
extern PyType_Spec pinned_spec; /* the base of pointers and loans */

#if defined(__GNUC__)
#  pragma GCC visibility pop
#endif

#endif
