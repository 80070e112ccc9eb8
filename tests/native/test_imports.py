"""Imports of the compiled module: again, after a deletion, reloaded, and in interpreters beside the first one."""

import sys
from collections.abc import Callable

import pytest

Run = Callable[[str], str]

USE = """
def use(native):
    allocator, ring = native.EventAllocator(), native.RingBuffer(64, 8)
    writer, reader = native.Writer(ring), native.Reader(ring)
    with allocator.allocate(b"x") as pointer:
        assert type(pointer.clone()) is native.RingPtr and type(pointer.downgrade()) is native.WeakRingPtr
        assert type(allocator.loan(1)) is native.Loan
    assert writer.add_many([b"a", b"b"]) == 2
    assert type(reader.next()) is native.PooledEvent and type(reader.next_many(3)) is native.EventBatch
    assert list(reader) == [] and reader.next(0.001) is None
    return allocator, ring, writer, reader
"""

# How to run a text in an interpreter of its own, with the shared GIL or with another, on each version of Python.
SUB = """
import sys
def run_in(text, isolated):
    if sys.version_info >= (3, 13):
        import _interpreters as module
        number = module.create("isolated" if isolated else "legacy")
        failed = module.exec(number, text)
        module.destroy(number)
        return None if failed is None else failed.formatted
    import _xxsubinterpreters as module
    number = module.create(isolated=isolated)
    try:
        module.run_string(number, text)
    except module.RunFailedError as error:
        return str(error)
    finally:
        module.destroy(number)
"""


@pytest.mark.clause("ERR-9")
def test_a_second_import_after_a_deletion_from_sys_modules(run_alone: Run) -> None:
    program = f"""
        import gc, sys
        {"".join(chr(10) + "        " + line for line in USE.splitlines())}
        import rusted_ring.native as first
        kept = use(first)
        for name in [name for name in sys.modules if name.startswith("rusted_ring")]:
            del sys.modules[name]
        import rusted_ring.native as second
        assert second.RingPtr is not first.RingPtr
        for native in (second, first, second):
            use(native)
        try:
            second.Writer(first.RingBuffer(8, 2))
        except TypeError:
            pass
        assert kept[2].add(b"goes on") and kept[3].next().data == b"goes on"
        del sys.modules["rusted_ring.native._core"]
        from rusted_ring.native import _core
        del first, kept, native
        gc.collect()
        use(second)
        print("well")
    """
    assert run_alone(program) == "well"


@pytest.mark.clause("ERR-9")
def test_reloads(run_alone: Run) -> None:
    program = f"""
        import importlib, sys
        {"".join(chr(10) + "        " + line for line in USE.splitlines())}
        import rusted_ring.native
        from rusted_ring.native import _core, pointers, rings
        kept = use(rusted_ring.native)
        for module in (_core, rings, pointers, rusted_ring.native.allocator, rusted_ring.native):
            importlib.reload(module)
        use(rusted_ring.native)
        assert kept[2].add(b"goes on") and kept[3].next().data == b"goes on" and list(kept[3]) == []
        print("well")
    """
    assert run_alone(program) == "well"


@pytest.mark.clause("ERR-9")
@pytest.mark.parametrize("first", ["the main one", "the other one"])
@pytest.mark.parametrize("isolated", [False, True], ids=["shared GIL", "its own GIL"])
def test_interpreters_beside_the_main_one(run_alone: Run, first: str, isolated: bool) -> None:
    """Each has a module of its own, or raises one ImportError; the main one can import whatever came first."""
    inner = USE + "\nimport rusted_ring.native\nuse(rusted_ring.native)\n"
    main = "import rusted_ring.native\n        use(rusted_ring.native)"
    other = f"said = [run_in({inner!r}, {isolated}) for _ in range(2)]"
    steps = (main, other, main) if first == "the main one" else (other, main)
    program = f"""
        {"".join(chr(10) + "        " + line for line in (SUB + USE).splitlines())}
        {(chr(10) + "        ").join(steps)}
        for one in said:
            assert one is None or "ImportError" in one, one
        print(*("works" if one is None else "ImportError" for one in said))
    """
    said = run_alone(program)
    alone = isolated and sys.version_info >= (3, 12)  # before, every interpreter shares the GIL
    assert said == ("ImportError ImportError" if alone else "works works")
