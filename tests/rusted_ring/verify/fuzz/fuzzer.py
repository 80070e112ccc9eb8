"""The fuzzer: draws calls from the classes themselves and checks each outcome."""

from __future__ import annotations

import array
import asyncio
import contextlib
import copy
import gc
import inspect
import io
import pickle
import random
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any
from unittest.mock import Mock

from rusted_ring.verify.fuzz.biting import Bite, BitingBuffer, BitingFloat, BitingNumber, BitingSequence, Cycle, Struck

CLASSES = (
    "EventAllocator",
    "EventPools",
    "RingPtr",
    "WeakRingPtr",
    "Loan",
    "RingBuffer",
    "Writer",
    "Reader",
    "Reservation",
    "Peek",
    "EventBatch",
)
FUNCTIONS = ("allocate_from_pool", "allocate_to_pool", "handle_ffi_event")
SPECIAL = (
    *(
        "__copy__",
        "__deepcopy__",
        "__reduce_ex__",
        "__enter__",
        "__exit__",
        "__iter__",
        "__next__",
        "__len__",
        "__bytes__",
    ),
    *("__bool__", "__repr__", "__eq__", "__hash__", "__init__", "__getitem__", "__aiter__", "__anext__"),
)
TEXT = type("Text", (str,), {})
OCTETS = type("Octets", (bytes,), {})
DEEPEST = 3
KEPT = 60
LONGEST = 0.002


ALLOWED = (
    *(TypeError, ValueError, AttributeError, LookupError, OverflowError, MemoryError, BufferError, ReferenceError),
    *(StopIteration, StopAsyncIteration, OSError, Bite, pickle.PickleError, NotImplementedError),
)
"""The exceptions that a call may raise beside the errors of rings; a RuntimeError only if it is a RingError."""


def parameters_of(call: object) -> list[inspect.Parameter]:
    """Return the parameters of a function or class; none if it is no such thing, or does not say.

    Called before the fuzzer's calls begin: `inspect.signature` parses text, and amid signals and nested calls the
    parser of CPython 3.11 was seen to fail with a SystemError of its own.
    """
    try:
        return [*inspect.signature(call).parameters.values()]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []


class Fuzzer:
    """One run: its objects, and the outcomes of the calls on them.

    Attributes:
        calls: how many calls were made, by outcome.
        findings: a text for each outcome that is a fault.
    """

    def __init__(self, backend: ModuleType, seed: int) -> None:
        self.backend = backend
        self.seed = seed
        self.objects: list[Any] = []
        self.calls: Counter[str] = Counter()
        self.findings: list[str] = []
        self.local = threading.local()
        self.over = False
        self.armed = False
        self.members: dict[str, list[str]] = {}
        self.parameters = {name: parameters_of(getattr(backend, name)) for name in (*CLASSES, *FUNCTIONS)}
        for name in CLASSES:
            kind = getattr(backend, name)
            public = [member for member in dir(kind) if not member.startswith("_")]
            self.members[name] = public + [member for member in SPECIAL if hasattr(kind, member)]
            for member in self.members[name]:
                found = parameters_of(getattr(kind, member))
                bound = isinstance(inspect.getattr_static(kind, member), classmethod | staticmethod)
                self.parameters[f"{name}.{member}"] = found if bound else found[1:]
        close = lambda writer: self.bad_close(writer)  # noqa: E731 - a function, so that it becomes a method
        self.bad = type("BadReader", (backend.Reader,), {"next": lambda *given: self.bad_next(*given)})
        self.worse = type("BadWriter", (backend.Writer,), {"close": close, "__del__": close})
        classes = [getattr(backend, name) for name in CLASSES]
        self.strangers = {
            kind: [Mock(spec=kind), type("Stranger", (), {"__class__": kind})()] for kind in classes
        }  # objects of other classes that isinstance accepts
        self.mock = Mock()
        self.allowed = (backend.RingError, *ALLOWED)

    # Each thread draws from a generator of its own, so that a run is as repeatable as threads allow.

    @property
    def draw(self) -> random.Random:
        """The thread's own random generator."""
        found: random.Random | None = getattr(self.local, "draw", None)
        if found is None:
            found = self.local.draw = random.Random(f"{self.seed} {threading.current_thread().name}")
            self.local.depth, self.local.in_loop = 0, False
        return found

    def bad_next(self, reader: Any, *arguments: Any) -> Any:
        """Make other calls, then read: an override as in a user's subclass."""
        self.nested()
        return self.backend.Reader.next(reader, *arguments)

    def bad_close(self, writer: Any) -> None:
        """Make other calls, then close: an override as in a user's subclass."""
        self.nested()
        self.backend.Writer.close(writer)

    def nested(self) -> None:
        """Make a call in the middle of another one, up to a depth, or raise."""
        draw = self.draw
        if self.local.depth < DEEPEST and not self.over:
            self.local.depth += 1
            try:
                for _ in range(draw.randrange(3)):
                    self.step()
            finally:
                self.local.depth -= 1
        if draw.random() < 0.1 and not self.over:
            raise Bite

    # Arguments

    def some(self, *names: str) -> Any:
        """Return an object of one of the classes, an existing or a new one, or sometimes an object of another class."""
        draw = self.draw
        kinds = tuple([getattr(self.backend, name) for name in names])
        found = [thing for thing in self.objects[:] if issubclass(type(thing), kinds)]
        choice = draw.random()
        if found and choice < 0.85:
            return draw.choice(found)
        if choice < 0.9:
            kind = draw.choice(kinds)
            return draw.choice([*self.strangers[kind], kind, kind.__new__(kind), None])
        return self.made(draw.choice(names))

    def made(self, name: str) -> Any:
        """Make an object of the class of that name."""
        draw, backend = self.draw, self.backend
        if name == "RingBuffer":
            mode = draw.choice(["overwrite", "gated"])
            size, capacity = draw.choice([1, 8, 100, 100_000]), draw.randrange(1, 9)
            return backend.RingBuffer(size, capacity, mode=mode, max_readers=draw.randrange(1, 5))
        if name == "Writer":
            return draw.choice([backend.Writer, backend.Writer, self.worse])(self.some("RingBuffer"))
        if name == "Reader":
            return draw.choice([backend.Reader, backend.Reader, self.bad])(self.some("RingBuffer"))
        if name in ("Reservation", "Peek"):
            return self.made_in_place(name)
        profile = backend.SEED if draw.random() < 0.03 else backend.TINY
        if name in ("EventAllocator", "EventPools"):
            return getattr(backend, name)(profile)
        pointer = self.some("EventAllocator").allocate(self.data())
        if name == "WeakRingPtr":
            return pointer.downgrade()
        if name == "Loan":
            return self.some("EventAllocator").loan(draw.randrange(2_000))
        return pointer

    def made_in_place(self, name: str) -> Any:
        """Make a reservation or a peek: of an existing writer or reader, or of a new gated ring that has events."""
        draw, backend = self.draw, self.backend
        count = draw.choice([1, 1, 2, 4, self.number()])
        if draw.random() < 0.5:
            return self.some("Writer").reserve(count) if name == "Reservation" else self.some("Reader").peek(count)
        ring = backend.RingBuffer(draw.choice([8, 100]), 8, mode="gated")
        writer, reader = backend.Writer(ring), backend.Reader(ring)
        for _ in range(draw.randrange(8)):
            writer.add(draw.randbytes(8))
        self.keep(writer)
        self.keep(reader)
        return writer.reserve(count) if name == "Reservation" else reader.peek(count)

    def number(self) -> Any:
        """Make an integer, an object that converts to one, or one that does not."""
        draw = self.draw
        value = draw.choice(
            [0, 0, 1, 1, 2, 3, 5, 64, 65, 1_000, 20_000, 70_000, -1, 2**32, 2**63, 2**64 - 1, 2**64, 10**30]
        )
        choice = draw.random()
        if choice < 0.7:
            return value
        if choice < 0.9:
            return BitingNumber(self, value)
        return draw.choice([True, None, 1.5, "text", float("nan"), b"1", draw.choice(list(self.backend.PoolId))])

    def data(self) -> Any:
        """Make a payload or a batch of payloads, an object that converts to one, or one that does not."""
        draw = self.draw
        plain = draw.randbytes(draw.choice([0, 1, 8, 64, 65, 300, 1_500, 20_000, 70_000]))
        choice = draw.random()
        if choice < 0.45:
            return plain
        makers: list[Callable[[], Any]] = [
            lambda: bytearray(plain),
            lambda: memoryview(bytearray(plain)),
            lambda: memoryview(plain)[::2],
            lambda: array.array("I", plain[: len(plain) // 4 * 4]),
            lambda: OCTETS(plain),
            lambda: BitingBuffer(self, plain),
            lambda: [plain, bytearray(plain), BitingBuffer(self, plain)],
            lambda: BitingSequence(self, [plain, 5, bytearray(plain)]),
            lambda: (plain, plain),
            lambda: "text",
            lambda: None,
            lambda: self.view(),
        ]
        return draw.choice(makers)()

    def view(self) -> Any:
        """Return an existing view."""
        found = [thing for thing in self.objects[:] if type(thing) is memoryview]
        return self.draw.choice(found) if found else memoryview(b"")

    def numbers(self) -> Any:
        """Make a column of numbers, an object that converts to one, or one that does not."""
        draw = self.draw
        plain = [draw.choice([0, 1, 8, 64]) for _ in range(draw.randrange(5))]
        biting = [BitingNumber(self, value) for value in plain]
        return draw.choice(
            [None, 1, 8, plain, tuple(plain), array.array("I", plain), array.array("Q", plain), iter(plain), biting,
             BitingSequence(self, plain), BitingBuffer(self, bytes(16)), self.number()]
        )  # fmt: skip

    def tokens(self) -> Any:
        """Make tokens, mostly existing ones."""
        draw = self.draw
        found = [thing for thing in self.objects[:] if type(thing) is int]
        plain = [draw.choice(found) for _ in range(draw.randrange(1, 4))] if found else []
        column = array.array("Q", [value % 2**64 for value in plain])
        return draw.choice(
            [plain, column, iter(plain), BitingSequence(self, plain), self.view(),
             [BitingNumber(self, value) for value in plain], self.number()]
        )  # fmt: skip

    def argument(self, name: str) -> Any:
        """Make an argument for a parameter of this name."""
        draw = self.draw
        if name != "timeout" and draw.random() < 0.04:  # None is a wait for ever
            return draw.choice([None, object(), self, BitingNumber(self, 3), self.mock, [], BitingSequence(self, [1])])
        makers: dict[str, Callable[[], Any]] = {
            "data": self.data,
            "lengths": self.numbers,
            "event_types": self.numbers,
            "tokens": self.tokens,
            "token": lambda: draw.choice([thing for thing in self.objects[:] if type(thing) is int] or [self.number()]),
            "allocator": lambda: self.some("EventAllocator"),
            "ringbuffer": lambda: self.some("RingBuffer"),
            "profile": lambda: draw.choice([self.backend.TINY] * 8 + [self.backend.SEED, self.mock, None]),
            "mode": lambda: draw.choice(["overwrite", "gated", "other", TEXT("gated"), 3]),
            "start": lambda: draw.choice(["oldest", "latest", "other", None]),
            "cursor": lambda: draw.choice([None, None, self.number()]),
            "generation": lambda: draw.choice([None, 0, 0, 1, self.number()]),
            "slot_index": lambda: draw.choice([0, 1, 2, self.number()]),
            "pool_id": lambda: draw.choice([0, 1, *self.backend.PoolId, self.number()]),
            "spill": lambda: draw.choice([True, False, 1, None]),
            "timeout": lambda: draw.choice(
                [0, 0.0, LONGEST, BitingFloat(self, LONGEST), -1, float("nan"), "text", False]
            ),
            "capacity": lambda: draw.choice([1, 2, 8, BitingNumber(self, 4), self.number()]),
            "max_readers": lambda: draw.choice([1, 4, BitingNumber(self, 2), self.number()]),
            "max_ring_bytes": lambda: draw.choice([2**20, 2**22, -1, BitingNumber(self, 2**20)]),
            "other": lambda: draw.choice([*self.objects[:], BitingNumber(self, 1)]),
            "index": lambda: draw.choice([0, 1, -1, slice(None, None, -1), self.number()]),
            "memo": dict,
            "protocol": lambda: draw.choice([2, 4, self.number()]),
        }
        return makers.get(name, self.number)()

    def arguments(self, what: str) -> tuple[list[Any], dict[str, Any]]:
        """Make arguments for a call, mostly those that its parameters ask for."""
        draw = self.draw
        given: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in self.parameters[what]:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.default is not parameter.empty and draw.random() < 0.5:
                continue
            value = self.argument(parameter.name)
            if (
                named
                or parameter.kind is parameter.KEYWORD_ONLY
                or (parameter.kind is not parameter.POSITIONAL_ONLY and draw.random() < 0.3)
            ):
                named[parameter.name] = value
            else:
                given.append(value)
        if draw.random() < 0.02:
            given.append(object())
        if draw.random() < 0.02:
            named["unknown"] = 1
        return given, named

    # Calls

    def step(self) -> None:
        """Make one call and check its outcome."""
        draw = self.draw
        what = "?"
        try:
            choice = draw.random()
            if choice < 0.12 or not self.objects:
                name = draw.choice(CLASSES[:-1])
                what = f"make {name}"
                self.keep(self.made(name))
            elif choice < 0.18:
                name = draw.choice(CLASSES[:-1])
                what = name
                call = getattr(self.backend, name)
                given, named = self.arguments(what)
                self.keep(call(*given, **named))
            elif choice < 0.22:
                what = draw.choice(FUNCTIONS)
                call = getattr(self.backend, what)
                given, named = self.arguments(what)
                self.keep(call(*given, **named))
            elif choice < 0.3:
                what = "machine"
                self.machine()
            else:
                thing = draw.choice(self.objects)
                name = next((name for name in CLASSES if issubclass(type(thing), getattr(self.backend, name))), "")
                if name:
                    member = draw.choice(self.members[name])
                    what = f"{name}.{member}"
                    found = getattr(thing, member)
                    if callable(found) and not inspect.isclass(found):
                        given, named = self.arguments(what)
                        found = found(*given, **named)
                    self.keep(found)
                else:
                    what = "foreign"
                    self.foreign(thing)
        except Struck:
            self.calls["struck"] += 1
            raise
        except self.allowed as error:
            self.calls[type(error).__name__] += 1
        except (RuntimeError, RecursionError) as error:
            if "changed size during iteration" not in str(error) and not isinstance(error, RecursionError):
                self.report(what, error)
        except BaseException as error:  # every other exception is a finding
            self.report(what, error)
        else:
            self.calls["returned"] += 1

    def report(self, what: str, error: BaseException) -> None:
        """Record a finding."""
        text = "".join(traceback.format_exception(error))
        self.findings.append(f"{what}: {text}")

    def keep(self, value: Any) -> None:
        """Keep the result of a call; beyond a limit it replaces an older one."""
        draw = self.draw
        if inspect.iscoroutine(value):
            value = self.awaited(value)
        if value is None or issubclass(type(value), (bool, str, float, dict, tuple, Mock)):
            return
        if len(self.objects) < KEPT:
            self.objects.append(value)
        else:
            with contextlib.suppress(IndexError):
                self.objects[draw.randrange(KEPT)] = value

    def awaited(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine for a moment in an event loop of its own and then cancel it; close it if a loop runs already.

        No signal raises meanwhile: asyncio itself loses callbacks then, and hangs.
        """
        with contextlib.closing(coroutine):
            if self.local.in_loop:
                return None
            self.local.in_loop = True
            try:
                with contextlib.closing(asyncio.new_event_loop()) as loop:
                    waiting = asyncio.wait_for(coroutine, self.draw.choice([0, 0.0001, 0.001]))
                    return loop.run_until_complete(waiting)
            except TimeoutError:
                return None
            finally:
                self.local.in_loop = False

    def machine(self) -> None:
        """Do something with the interpreter rather than with an object."""
        draw = self.draw
        choice = draw.randrange(6)
        if choice == 0:
            gc.collect(draw.randrange(3))
        elif choice == 1:
            with contextlib.suppress(IndexError):
                self.objects.pop(draw.randrange(len(self.objects)))
        elif choice == 2:
            Cycle(self, draw.sample(self.objects, min(2, len(self.objects))))
        elif choice == 3:
            gc.set_threshold(draw.choice([1, 10, 700]), 2, 2)
        elif choice == 4:
            # Not the youngest: another thread may still be filling a tuple, and cannot if there is a second reference.
            found = [thing for thing in gc.get_objects(2) if type(thing) is self.backend.RingPtr]
            if found:
                self.keep(draw.choice(found))
        else:
            thing = draw.choice(self.objects)
            kind = type(thing)
            with contextlib.suppress(AttributeError):
                kind.__init__(
                    thing, *[self.argument(name) for name in draw.choice([(), ("ringbuffer",), ("size", "capacity")])]
                )

    def foreign(self, thing: Any) -> None:
        """Use an object of a class outside the API: a view, bytes, a token, an iterator."""
        draw = self.draw
        if type(thing) is memoryview:
            choice = draw.randrange(7)
            if choice == 0:
                thing.release()
            elif choice == 1:
                self.keep(thing[draw.randrange(3) :])
            elif choice == 2 and not thing.readonly and thing.nbytes:
                thing[0] = draw.randrange(256)
            elif choice == 3:
                bytes(thing)
            elif choice == 4:
                self.keep(memoryview(thing))
            elif choice == 5 and not thing.readonly:
                io.BytesIO(b"some bytes").readinto(thing)
            else:
                # The object behind a view, which the view keeps and which can be viewed again.
                self.keep(memoryview(thing.obj))
        elif hasattr(thing, "__next__"):
            next(thing)
        else:
            copy.copy(thing)
