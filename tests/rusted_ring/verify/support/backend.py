"""The interface that the suite needs of an implementation, and the search for one by its name [ERR-1].

An implementation is a namespace: an object (mostly a module) whose attributes are the public classes.
`rusted_ring.reference` and `rusted_ring.native` are such modules as they are. A foreign ring needs a `RingBuffer`, a
`Writer` with `add` and a `Reader` with `next`; a foreign pool needs an `EventAllocator` with `allocate` and pointers
with `drop` and `bytes`. Everything else is optional: a run checks for it with `hasattr`, skips what is missing and
reports that.
"""

import importlib
import types
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

PACKAGE = "rusted_ring"
KNOWN_BACKENDS = ("native", "reference")


class BackendError(ValueError):
    """A backend that cannot be found, cannot be imported or offers nothing that can be compared [ERR-3]."""


class PointerBackend(Protocol):
    """The least that a foreign pointer offers [PTR-3, PTR-7]."""

    @property
    def bytes(self) -> bytes:
        """The payload, copied [PTR-7]."""
        ...

    def drop(self) -> None:
        """Release the reference [PTR-3]."""
        ...


class AllocatorBackend(Protocol):
    """The least that a foreign allocator offers [ALLOC-1]."""

    def allocate(self, data: bytes, event_type: int = 0) -> PointerBackend:
        """Copy an event into a free slot [ALLOC-1]."""
        ...


class AllocatorClass(Protocol):
    """How an allocator is made [PARAM-1]."""

    def __call__(self, profile: Any) -> AllocatorBackend:
        """Make an empty allocator of a profile [PARAM-1]."""
        ...


class WriterBackend(Protocol):
    """The least that a foreign writer offers [RING-5]."""

    def add(self, data: bytes, event_type: int = 0) -> bool:
        """Publish one event; return False if a gated ring is full [RING-10, RING-14]."""
        ...


class ReaderBackend(Protocol):
    """The least that a foreign reader offers [RING-7]."""

    def next(self) -> tuple[bytes, int] | None:
        """Return the next event as payload and type, or None [RING-7]."""
        ...


class RingClass(Protocol):
    """How a ring is made; with `mode="gated"` too unless `"RingBuffer.gated"` is in `not_offered` [RING-29]."""

    def __call__(self, size: int, capacity: int) -> Any:
        """Make an empty ring [RING-29]."""
        ...


class WriterClass(Protocol):
    """How a writer is made [RING-4]."""

    def __call__(self, ringbuffer: Any) -> WriterBackend:
        """Register the ring's writer [RING-4]."""
        ...


class ReaderClass(Protocol):
    """How a reader is made [RING-16]."""

    def __call__(self, ringbuffer: Any, *, start: str = "oldest") -> ReaderBackend:
        """Join the ring at its oldest or its next event [RING-16]."""
        ...


@runtime_checkable
class PoolBackend(Protocol):
    """A namespace with pools [ALLOC-1]."""

    @property
    def EventAllocator(self) -> AllocatorClass:  # noqa: N802 - the name is the API's
        """The class of allocators [ALLOC-1]."""
        ...


@runtime_checkable
class RingBackend(Protocol):
    """A namespace with rings [RING-1]."""

    @property
    def RingBuffer(self) -> RingClass:  # noqa: N802 - the name is the API's
        """The class of rings [RING-29]."""
        ...

    @property
    def Writer(self) -> WriterClass:  # noqa: N802 - the name is the API's
        """The class of writers [RING-4]."""
        ...

    @property
    def Reader(self) -> ReaderClass:  # noqa: N802 - the name is the API's
        """The class of readers [RING-16]."""
        ...


Backend = PoolBackend | RingBackend


def load_backend(name: str) -> Any:
    """Find an implementation by its name [ERR-3].

    Args:
        name: `"native"`, `"reference"`, a module (`"package.module"`) or an object in one
            (`"package.module:attribute"`; a class is used as it is, so its attributes are the API).

    Returns:
        The namespace, which offers pools, rings or both.

    Raises:
        TypeError: `name` is not a string.
        BackendError: nothing of that name can be imported, or it offers neither pools nor rings.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {name!r}: give 'native', 'reference' or 'package.module[:attribute]'")
    module_name, separator, attribute = name.partition(":")
    if module_name in KNOWN_BACKENDS:
        module_name = f"{PACKAGE}.{module_name}"
    if (
        not module_name
        or (separator and not attribute)
        or not all(part.isidentifier() for part in module_name.split("."))
    ):
        raise BackendError(
            f"backend is {name!r}: not a name; give 'native', 'reference' or 'package.module[:attribute]'"
        )
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise BackendError(
            f"backend is {name!r}: {module_name} cannot be imported ({error}); "
            f"give 'native', 'reference' or the dotted name of an installed module"
        ) from error
    for part in attribute.split(".") if attribute else ():
        if not hasattr(found, part):
            raise BackendError(
                f"backend is {name!r}: {module_name} has no attribute {attribute!r}; check the name after the colon"
            )
        found = getattr(found, part)
    if not isinstance(found, PoolBackend) and not isinstance(found, RingBackend):
        raise BackendError(
            f"backend is {name!r}: it has neither EventAllocator nor RingBuffer, Writer and Reader; "
            f"see rusted_ring.verify.support.backend for what it must offer"
        )
    return found


def backend_name(backend: object) -> str:
    """Return the name by which `load_backend` finds an implementation again [ERR-3]."""
    if isinstance(backend, types.ModuleType):
        module = backend.__name__
        return module.removeprefix(f"{PACKAGE}.") if module.removeprefix(f"{PACKAGE}.") in KNOWN_BACKENDS else module
    module = getattr(backend, "__module__", type(backend).__module__)
    qualname = getattr(backend, "__qualname__", "")
    return f"{module}:{qualname}" if qualname else module


def import_line(name: str) -> str:
    """Return the line of Python that binds `backend` to the implementation of that name [ERR-3]."""
    module_name, _, attribute = name.partition(":")
    if module_name in KNOWN_BACKENDS and not attribute:
        return f"from {PACKAGE} import {module_name} as backend"
    if module_name in KNOWN_BACKENDS:
        module_name = f"{PACKAGE}.{module_name}"
    source = f"import importlib\n\nbackend = importlib.import_module({module_name!r})"
    return f"{source}.{attribute}" if attribute else source


def offers(backend: object, need: str) -> bool:
    """Return whether a backend has a thing, named by a dotted path from the namespace [ERR-3].

    A backend may list such paths in a sequence `not_offered`: these it does not offer, even if the attribute exists.
    """
    declared: Iterable[str] = getattr(backend, "not_offered", ())
    if any(need == path or need.startswith(f"{path}.") for path in declared):
        return False
    found = backend
    for part in need.split("."):
        if part == "gated":  # a value of an argument: offered unless the backend declares otherwise
            continue
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True
