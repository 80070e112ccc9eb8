"""The two implementations have one surface: the same names, signatures, properties, errors, values."""

import dataclasses
import enum
import inspect
import random
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ClassMethodDescriptorType, GetSetDescriptorType, ModuleType
from typing import Any

import pytest


def described(value: Any) -> Any:
    """Describe what a caller can see of a public thing, so that two descriptions can be compared."""
    if isinstance(value, type):
        return {"kind": "class", "members": members(value), "bases": [base.__name__ for base in word_bases(value)]}
    if callable(value):
        return {"kind": "function", "signature": signature(value)}
    return {"kind": type(value).__name__, "value": value}


def word_bases(owner: type) -> list[type]:
    """Return the bases of a class that a caller may catch or test for: an implementation's own helpers are not."""
    return [base for base in owner.__mro__[1:-1] if not base.__module__.startswith("rusted_ring")]


def signature(value: Any) -> list[tuple[str, str, Any]]:
    """Return the names, kinds and defaults of a callable's parameters."""
    return [
        (parameter.name, parameter.kind.name, parameter.default)
        for parameter in inspect.signature(value).parameters.values()
    ]


def members(owner: type) -> dict[str, Any]:
    """Describe the public attributes of a class and its special methods, wherever they are inherited from."""
    found: dict[str, Any] = {}
    for name in dir(owner):
        special = name.startswith("__") and name.endswith("__")
        if name.startswith("_") and not special:
            continue
        value = inspect.getattr_static(owner, name)
        if special and (name in IGNORED or getattr(object, name, None) is getattr(owner, name, None)):
            continue
        if isinstance(value, property | GetSetDescriptorType):
            # One written in C has a setter only where a test below sees it set.
            found[name] = ("property", getattr(value, "fset", None) is not None)
        elif isinstance(value, staticmethod | classmethod):
            found[name] = (type(value).__name__, signature(value.__func__))
        elif isinstance(value, ClassMethodDescriptorType):
            found[name] = (
                "classmethod",
                [("cls", "POSITIONAL_OR_KEYWORD", inspect.Parameter.empty), *signature(value)[1:]],
            )
        elif inspect.isroutine(value):
            # Without `self`, which a method written in C takes by position alone.
            found[name] = ("method", signature(value)[1:])
        else:
            found[name] = "attribute" if special else type(value).__name__
    return found


IGNORED = {
    "__annotations__", "__buffer__", "__class__", "__del__", "__dict__", "__doc__", "__firstlineno__", "__getstate__",
    "__module__",
    "__new__", "__slots__", "__static_attributes__", "__subclasshook__", "__weakref__", "__init_subclass__",
    "__match_args__", "__orig_bases__", "__parameters__", "__abstractmethods__", "__dataclass_fields__",
    "__dataclass_params__", "__reduce__", "__release_buffer__",
}  # fmt: skip
CLASSES = (
    "EventPools",
    "EventAllocator",
    "RingPtr",
    "WeakRingPtr",
    "Loan",
    "RingBuffer",
    "Writer",
    "Reservation",
    "Peek",
    "Reader",
)
SHARED = (
    "EventSize", "PoolId", "PooledEvent", "EventBatch", "SlotState", "SlotMetadata", "PoolStats", "Profile",
    "RingError", "PayloadTooLarge", "PoolExhausted", "LayoutError", "StaleHandle", "ReleasedHandle", "RefCountOverflow",
    "RefCountUnderflow", "ViewsOutstanding", "WriterTaken", "ReservationOpen", "PeekOpen", "ReadersFull", "RingClosed",
    "EndOfStream", "ForkedCopy", "Lagged",
)  # fmt: skip
FUNCTIONS = ("allocate_from_pool", "allocate_to_pool", "handle_ffi_event")
VALUES = ("SEED", "WIDE", "TINY", "MAX_RING_BYTES")


@pytest.mark.clause("ERR-2")
def test_names_are_the_same_and_complete(reference: ModuleType, native: ModuleType) -> None:
    assert sorted(reference.__all__) == sorted(native.__all__)
    assert len(set(native.__all__)) == len(native.__all__)
    assert set(native.__all__) == {*CLASSES, *SHARED, *FUNCTIONS, *VALUES}
    for module in (reference, native):
        assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.clause("ERR-2", "SIZE-1", "SIZE-4")
def test_words_and_errors_are_the_same_objects(reference: ModuleType, native: ModuleType) -> None:
    for name in SHARED:
        assert getattr(reference, name) is getattr(native, name), name


@pytest.mark.clause("PARAM-1")
@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS, *VALUES])
def test_each_name_is_the_same_to_a_caller(reference: ModuleType, native: ModuleType, name: str) -> None:
    one, two = described(getattr(reference, name)), described(getattr(native, name))
    if one["kind"] == "class":
        assert set(one["members"]) == set(two["members"])
        for member, description in one["members"].items():
            assert description == two["members"][member], member
        one, two = one | {"members": {}}, two | {"members": {}}
    assert one == two


@pytest.mark.clause("PTR-7", "LOAN-1")
def test_properties_cannot_be_set(backend: ModuleType) -> None:
    allocator = backend.EventAllocator(backend.TINY)
    for handle in (allocator.allocate(b"x"), allocator.loan(1)):
        for name in ("data", "len", "event_type", "bytes", "ref_count"):
            if hasattr(handle, name):
                with pytest.raises(AttributeError):
                    setattr(handle, name, getattr(handle, name))


def test_implementations_are_two(reference: ModuleType, native: ModuleType) -> None:
    """A native module that handed out the reference's classes would agree with it for ever."""
    for name in (*CLASSES, *FUNCTIONS):
        assert getattr(reference, name) is not getattr(native, name)
        assert getattr(native, name).__module__.startswith("rusted_ring.native"), name
        assert getattr(reference, name).__module__.startswith("rusted_ring.reference"), name


def test_words_are_enumerations_and_tuples(reference: ModuleType) -> None:
    for name in ("EventSize", "PoolId", "SlotState"):
        assert issubclass(getattr(reference, name), enum.IntEnum)
    for name in ("PooledEvent", "SlotMetadata", "PoolStats"):
        assert issubclass(getattr(reference, name), tuple)


@pytest.mark.clause("PARAM-1", "LAYOUT-3", "LAYOUT-4", "LAYOUT-5")
@pytest.mark.parametrize("seed", range(40))
def test_layouts_of_any_profile_agree(reference: ModuleType, native: ModuleType, seed: int) -> None:
    choices = random.Random(seed)
    profile = dataclasses.replace(
        reference.TINY,
        name="any",
        ref_bits=choices.randrange(1, 23),
        generation_bits=choices.randrange(1, 41),
        tag_bits=choices.randrange(33),
        capacities=tuple(choices.randrange(1, 60) for _ in range(5)),
        heap_slots=choices.randrange(1, 100),
        heap_bytes=choices.randrange(1, 200_000),
    )
    one, two = reference.EventAllocator(profile), native.EventAllocator(profile)
    assert one.profile == two.profile == profile
    assert one.memory_usage() == two.memory_usage()
    assert one.heap_usage() == two.heap_usage()
    assert [one.pools.capacity(pool) for pool in range(6)] == [two.pools.capacity(pool) for pool in range(6)]
    assert one.stats() == two.stats()
    length = choices.randrange(16_385, 16_385 + min(profile.heap_bytes, 30_000))
    if length <= profile.heap_bytes:
        assert one.loan(length).len == two.loan(length).len
        pointers = [one.allocate(bytes(length)), two.allocate(bytes(length))] if profile.heap_slots > 0 else []
        assert one.heap_usage() == two.heap_usage()
        assert len(pointers) == 2


@pytest.mark.clause("LAYOUT-6", "LAYOUT-7", "RING-29")
@pytest.mark.parametrize("seed", range(40))
def test_layouts_of_any_ring_agree(reference: ModuleType, native: ModuleType, seed: int) -> None:
    choices = random.Random(seed)
    size, capacity = choices.randrange(1, 600), choices.randrange(1, 4_000)
    shape: dict[str, Any] = {"mode": choices.choice(["overwrite", "gated"]), "max_readers": choices.randrange(1, 1_025)}

    def figure(module: ModuleType) -> Any:
        try:
            return module.RingBuffer(size, capacity, **shape).memory_usage()
        except module.LayoutError:
            return "refused"

    assert figure(reference) == figure(native)


@pytest.mark.clause("ERR-3", "ERR-4")
@pytest.mark.parametrize(
    "call",
    [
        lambda module: module.EventAllocator().allocate(b"x", -1),
        lambda module: module.EventAllocator().allocate("x"),
        lambda module: module.EventAllocator().allocate(memoryview(b"abcd")[::2]),
        lambda module: module.EventAllocator().loan(-1),
        lambda module: module.RingBuffer(0, 1),
        lambda module: module.RingBuffer(64, 10**6),
        lambda module: module.RingBuffer(4, 4, mode="other"),
        lambda module: module.Reader(module.RingBuffer(4, 4), cursor=3),
        lambda module: module.EventPools().inc_ref_count(7, 0),
        lambda module: module.EventPools().inc_ref_count(0, 2_000),
        lambda module: module.EventPools().inc_ref_count(0, 0),
        lambda module: module.EventPools().dec_ref_count(0, 0),
        lambda module: module.WeakRingPtr(0, 0, 0, module.EventAllocator()).upgrade(),
        lambda module: module.RingPtr.from_token(5, module.EventAllocator()),
        lambda module: module.Writer(module.RingBuffer(4, 4)).add(b"12345"),
        lambda module: module.EventAllocator.estimate_size(2**32),
    ],
)
def test_messages_name_the_same_things(
    reference: ModuleType, native: ModuleType, call: Callable[[ModuleType], Any]
) -> None:
    """Wording is free; the class, and the argument that the message begins with, are not."""
    with pytest.raises(Exception) as one:  # noqa: PT011 - compared below
        call(reference)
    with pytest.raises(Exception) as two:  # noqa: PT011
        call(native)
    assert type(one.value) is type(two.value)
    assert str(one.value).split()[0] == str(two.value).split()[0], (str(one.value), str(two.value))


def test_version_is_that_of_the_package_and_of_the_header(backend: ModuleType) -> None:
    root = Path(__file__).resolve().parents[2]
    home = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    header = (root / "native/include/rusted_ring.h").read_text(encoding="utf-8")
    parts = [re.search(rf"RR_VERSION_{part} (\d+)", header) for part in ("MAJOR", "MINOR", "PATCH")]
    assert backend.__version__ == home == ".".join(part[1] for part in parts if part is not None)
    with pytest.raises(AttributeError, match="nothing"):
        backend.nothing  # noqa: B018
