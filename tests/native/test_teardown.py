"""Whatever the order of the end, nothing crashes and no finalizer sees what is gone."""

from collections.abc import Callable

import pytest

Run = Callable[[str], str]

IMPORTS = "import gc, sys, threading, time\nfrom rusted_ring.native import *\n"

ENDS = {
    "module globals": """
        allocator = EventAllocator()
        pointer = allocator.allocate(b"payload")
        view = pointer.data
        loan = allocator.loan(10)
        large = allocator.allocate(bytes(200_000)).data
        ring = RingBuffer(64, 8)
        writer, reader = Writer(ring), Reader(ring)
    """,
    "the allocator first": """
        allocator = EventAllocator()
        view, large = allocator.allocate(b"payload").data, allocator.allocate(bytes(200_000)).data
        del allocator
        gc.collect()
        assert bytes(view) == b"payload" and not any(large)
    """,
    "the ring first": """
        ring = RingBuffer(64, 8, mode="gated")
        writer, reader = Writer(ring), Reader(ring)
        del ring
        gc.collect()
        assert writer.add(b"event") and reader.next().data == b"event"
        del writer
        gc.collect()
        assert Writer(reader.ringbuffer).add(b"another") and reader.next().data == b"another"
    """,
    "daemon threads in the middle of calls": """
        allocator = EventAllocator()
        ring = RingBuffer(200_000, 4)
        writer, reader = Writer(ring), Reader(ring)
        def work():
            while True:
                allocator.allocate(bytes(1_000_000)).data
                allocator.allocate(b"small").clone()
                allocator.drop_many(allocator.allocate_many(bytes(6_400), lengths=64))
                writer.add(bytes(200_000))
                try:
                    reader.next()
                except Lagged:
                    pass
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
    """,
    "a hook of the interpreter's end": """
        import atexit
        allocator = EventAllocator()
        pointer = allocator.allocate(b"payload")
        @atexit.register
        def at_exit():
            assert pointer.bytes == b"payload"
            pointer.drop()
    """,
    "the constructor called again": """
        allocator = EventAllocator()
        first, second = (allocate_to_pool(allocator, b"x", 0) for _ in range(2))
        pointer = RingPtr(0, first, 0, allocator)
        view = pointer.data
        try:
            pointer.__init__(0, second, 0, allocator)
        except TypeError:
            pass
        pointer.drop()
        assert (allocator.stats()[PoolId.XS].live, bytes(view)) == (2, b"x")
        del view
        assert allocator.stats()[PoolId.XS].live == 1
    """,
}


@pytest.mark.clause("PTR-8", "RING-19")
@pytest.mark.parametrize("end", ENDS)
def test_interpreter_ends_well(run_alone: Run, end: str) -> None:
    body = "\n".join(line[8:] for line in ENDS[end].splitlines())
    assert run_alone(IMPORTS + body) == ""


CYCLE = """
class Node:
    def __init__(self, **parts):
        self.__dict__.update(parts)
        self.me = self
    def __del__(self):
        print(self.look())
    def look(self):
        return {look}

{make}
{leave}
"""
MAKES = {
    "pointer": (
        "a = EventAllocator(); node = Node(a=a, p=a.allocate(b'seen')); del a",
        "self.p.bytes, bytes(self.p.data), self.p.clone().ref_count, self.a.stats()[PoolId.XS].live",
        "(b'seen', b'seen', 2, 1)",
    ),
    "pointer made first": (
        "p = EventAllocator().allocate(b'seen'); node = Node(p=p, a=p.allocator); del p",
        "self.p.bytes, bytes(self.p.data), self.p.ref_count, self.a.stats()[PoolId.XS].live",
        "(b'seen', b'seen', 1, 1)",
    ),
    "view on the heap": (
        "a = EventAllocator(); node = Node(a=a, v=a.allocate(bytes(range(256)) * 800).data); del a",
        "len(self.v), self.v[255], self.v[:4].tolist(), self.a.stats()[PoolId.XXL].live",
        "(204800, 255, [0, 1, 2, 3], 1)",
    ),
    "loan": (
        "a = EventAllocator(); node = Node(a=a, loan=a.loan(5)); node.v = node.loan.data; node.v[:] = b'words'; del a",
        "bytes(self.v), self.loan.released, self.a.stats()[PoolId.XS].live",
        "(b'words', False, 1)",
    ),
    "ring": (
        "r = RingBuffer(64, 4, mode='gated'); node = Node(w=Writer(r), r=Reader(r), ring=r); del r",
        "self.w.add(b'late'), self.r.next().data, self.ring.readers, self.r.cursor",
        "(True, b'late', 1, 1)",
    ),
}


@pytest.mark.clause("VIEW-4", "PTR-5")
@pytest.mark.parametrize("made", MAKES)
@pytest.mark.parametrize("leave", ["del node; gc.collect()", "pass"], ids=["collected", "at exit"])
def test_finalizers_in_a_cycle_see_what_they_hold(run_alone: Run, made: str, leave: str) -> None:
    make, look, seen = MAKES[made]
    assert run_alone(IMPORTS + CYCLE.format(make=make, look=look, leave=leave)) == seen
