"""After a fork: the child's objects raise one clear error, end quietly, and never hang or pretend."""

import os
import subprocess
import sys
import textwrap
from types import ModuleType

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason=f"no fork on {sys.platform}")

HEAD = """
import gc, os, signal, sys, threading, warnings
import {backend} as backend
warnings.simplefilter("ignore")  # Python 3.12 warns of forks beside threads, which are the point here

def in_child(run, os=os, sys=sys, signal=signal):
    '''Run in a fork, which must end within ten seconds; return its exit status.'''
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        code = 1
        try:
            run()
            code = 0
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitpid(child, 0)[1]

def refused(call):
    try:
        found = call()
    except backend.ForkedCopy:
        return
    raise AssertionError(f"{{call}} returned {{found!r}}")

allocator = backend.EventAllocator(backend.TINY)
ring = backend.RingBuffer(16, 8, mode="gated", max_readers=4)
writer, reader = backend.Writer(ring), backend.Reader(ring)
pointer, loan = allocator.allocate(b"before", 7), allocator.loan(3)
weak, view = pointer.downgrade(), pointer.data
detached = pointer.clone().into_token()
writer.add(b"the parent's")
"""


def run(backend: ModuleType, text: str) -> str:
    """Run a program of its own and return what it printed."""
    program = HEAD.format(backend=backend.__name__) + textwrap.dedent(text)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
    return done.stdout


@pytest.mark.clause("ERR-8", "ERR-7")
def test_every_use_is_refused_in_the_child(backend: ModuleType) -> None:
    printed = run(
        backend,
        """
        closed = backend.Reader(ring)
        closed.close()
        dropped = allocator.allocate(b"x")
        dropped.drop()
        triple = pointer.pool_id, pointer.slot_index, pointer.generation
        uses = [
            lambda: writer.add(b"the child's"), lambda: writer.add("wrong"), lambda: writer.add_many([b"a"]),
            lambda: writer.ringbuffer, writer.__enter__, lambda: backend.Writer(ring), lambda: backend.Reader(ring),
            reader.next, lambda: reader.next(None), lambda: reader.next("wrong"), lambda: reader.next_many(3),
            lambda: reader.next_many(3, 1.5), lambda: next(reader), lambda: list(reader), reader.fileno, reader.evict,
            reader.__enter__, reader.__aiter__, closed.next, lambda: closed.lag,
            *(lambda name=name: getattr(reader, name) for name in
              ("start", "cursor", "delivered", "skipped", "lag", "backlog", "backpressure_ratio", "ringbuffer",
               "at_eof")),
            reader.skip_to_latest,
            *(lambda name=name: getattr(ring, name) for name in
              ("write_cursor", "retained", "readers", "readers_awaited", "has_writer", "ended")),
            lambda: allocator.allocate(b"x"), lambda: allocator.allocate("wrong"), lambda: allocator.loan(3),
            lambda: allocator.allocate_many([b"a"]), lambda: allocator.drop_many([detached]), allocator.stats,
            allocator.heap_usage, lambda: backend.allocate_from_pool(allocator, b"x", 0),
            lambda: backend.allocate_to_pool(allocator, b"x", 0), lambda: backend.handle_ffi_event(allocator, b"x", 0),
            *(lambda name=name: getattr(allocator.pools, name)(*triple) for name in
              ("get_slot_data", "inc_ref_count", "dec_ref_count")),
            lambda: allocator.pools.get_generation(0, 0), lambda: allocator.pools.slot_metadata(0, 0),
            lambda: allocator.pools.slot_words(0), lambda: backend.RingPtr.from_token(detached, allocator),
            lambda: backend.RingPtr(*triple, allocator), weak.upgrade, pointer.clone, pointer.downgrade,
            pointer.__enter__, pointer.into_token, dropped.clone, loan.commit,
            lambda: loan.commit("wrong"), loan.__enter__,
            *(lambda name=name: getattr(pointer, name) for name in
              ("pool_id", "slot_index", "generation", "len", "event_type", "bytes", "data", "ref_count", "allocator")),
            *(lambda name=name: getattr(loan, name) for name in ("len", "event_type", "data", "slot_index")),
        ]
        def child():
            for use in uses:
                refused(use)
            print(len(uses), "refused")
        print(in_child(child))
        # The parent has seen nothing of it.
        print(reader.next().data, ring.readers, allocator.stats()[0].live, pointer.bytes, loan.len)
        """,
    )
    lines = printed.splitlines()
    assert lines[0].endswith("refused"), lines
    assert int(lines[0].split()[0]) > 60
    assert lines[1:] == ["0", """b"the parent's" 1 2 b'before' 3"""]


@pytest.mark.clause("ERR-8", "PTR-8", "VIEW-4")
def test_ending_and_printing_work_in_the_child(backend: ModuleType) -> None:
    printed = run(
        backend,
        """
        def child():
            print(bytes(view), weak == weak, hash(pointer) == hash(pointer), bool(pointer))
            for thing in (allocator, allocator.pools, ring, writer, reader, pointer, loan, weak):
                assert repr(thing)
            print(writer.closed, reader.closed, reader.evicted, pointer.released, loan.released)
            print(ring.size, ring.capacity, ring.mode, ring.max_readers, allocator.profile.name, weak.slot_index)
            for _ in range(2):
                writer.close(end=True), reader.close(), pointer.drop(), loan.abort()
            with backend.RingBuffer(8, 2) and backend.Writer(backend.RingBuffer(8, 2)) as fresh:
                fresh.add(b"x")
            print(writer.closed, reader.closed, pointer.released, loan.released)
            print(bytes(view))
            globals().clear()
            __import__("gc").collect()
        print(in_child(child))
        print(ring.readers, writer.add(b"goes on"), reader.next().data, pointer.bytes, loan.commit().bytes)
        """,
    )
    assert printed.splitlines() == [
        "b'before' True True True",
        "False False False False False",
        "16 8 gated 4 tiny 0" if backend.__name__.endswith("reference") else printed.splitlines()[2],
        "True True True True",
        "b'before'",
        "0",
        """1 True b"the parent's" b'before' b'\\x00\\x00\\x00\'""",
    ]


@pytest.mark.clause("ERR-8")
def test_what_the_child_makes_itself_works(backend: ModuleType) -> None:
    printed = run(
        backend,
        """
        def child():
            own = backend.EventAllocator(backend.TINY)
            inner = backend.RingBuffer(16, 8)
            new_writer, new_reader = backend.Writer(inner), backend.Reader(inner)
            new_writer.add(b"the child's")
            print(new_reader.next(1).data, own.allocate(b"x").clone().bytes, new_reader.fileno() >= 0)
            def grandchild():
                refused(lambda: new_writer.add(b"x"))
                refused(lambda: writer.add(b"x"))
                print("refused again")
            print(in_child(grandchild))
        print(in_child(child))
        """,
    )
    assert printed.splitlines() == ["b\"the child's\" b'x' True", "refused again", "0", "0"]


@pytest.mark.clause("ERR-8")
@pytest.mark.parametrize("times", [8])
def test_a_fork_while_other_threads_are_in_calls(backend: ModuleType, times: int) -> None:
    """The threads do not exist in the child: it must neither wait for them nor free what they were in the middle of."""
    printed = run(
        backend,
        f"""
        long = bytes(4_000_000)
        large = backend.RingBuffer(len(long), 2, max_ring_bytes=2**30)
        large_writer, large_reader = backend.Writer(large), backend.Reader(large)
        heap = backend.EventAllocator()
        stop = False
        def adds():
            while not stop:
                large_writer.add(long)
        def reads():
            while not stop:
                try:
                    large_reader.next()
                except backend.Lagged:
                    pass
        def allocates():
            while not stop:
                heap.allocate(long).drop()
        def waits():
            while not stop:
                reader.next(0.01)
        threads = [threading.Thread(target=run) for run in (adds, reads, allocates, waits)]
        for thread in threads:
            thread.start()
        def child():
            for call in (lambda: large_writer.add(long), lambda: large_writer.add_many(long), large_reader.next,
                         lambda: large_reader.next_many(1), lambda: heap.allocate(long), lambda: reader.next(None),
                         lambda: large_reader.cursor, lambda: large_reader.backlog):
                refused(call)
            large_writer.close(), large_reader.close(), reader.close()
            globals().clear()
            __import__("gc").collect()
        print(*[in_child(child) for _ in range({times})])
        stop = True
        for thread in threads:
            thread.join()
        print(large_writer.add(b"goes on"))
        """,
    )
    assert printed.splitlines() == [" ".join(["0"] * times), "True"]


@pytest.mark.clause("ERR-8")
def test_a_fork_in_the_middle_of_a_call(backend: ModuleType) -> None:
    """An argument's own code forks: the child comes back into the call and is refused there."""
    printed = run(
        backend,
        """
        class Forks:
            def __index__(self):
                global child
                child = os.fork()
                if child == 0:
                    signal.alarm(10)
                return 1
        for call in (lambda: writer.add(b"x", Forks()), lambda: allocator.allocate(b"x", Forks()),
                     lambda: allocator.loan(Forks()), lambda: allocator.pools.inc_ref_count(0, Forks())):
            try:
                outcome = type(call()).__name__
            except Exception as error:
                outcome = type(error).__name__
            if child == 0:
                os._exit(0 if outcome == "ForkedCopy" else 1)
            print(outcome != "ForkedCopy", os.waitpid(child, 0)[1])
        """,
    )
    assert printed.splitlines() == ["True 0"] * 4
