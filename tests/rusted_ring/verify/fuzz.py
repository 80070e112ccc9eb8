"""A generated fuzzer over the whole API: every public member of every class, with arguments that bite.

    python -m rusted_ring.verify.fuzz --seconds 60 --seed 1 --backend native
    python -m rusted_ring.verify.fuzz --sanitize --seconds 3600

What is called follows from the classes themselves. An argument is made by its parameter's name, or is something that
runs code of its own when it is looked at (`__index__`, `__float__`, `__len__`, `__iter__`, `__buffer__`, `__eq__`,
finalizers in cycles, subclasses, mocks). That code makes further calls on the same objects. Threads do so at the same
time, the collector runs at every chance, and a timer's signal raises, or calls, at any moment.

It looks for what no caller can cause: a crash (best under sanitizers), a hang, a SystemError, a status that the binding
does not know, an exception of a class that no clause names.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import contextlib
import copy
import faulthandler
import gc
import importlib
import inspect
import io
import os
import pathlib
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType, ModuleType
from typing import Any
from unittest.mock import Mock

CLASSES = (
    "EventAllocator",
    "EventPools",
    "RingPtr",
    "WeakRingPtr",
    "Loan",
    "RingBuffer",
    "Writer",
    "Reader",
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
HANG = 60.0


class Bite(Exception):
    """What an argument raises."""


class Struck(BaseException):
    """What the signal's handler raises."""


ALLOWED = (
    *(TypeError, ValueError, AttributeError, LookupError, OverflowError, MemoryError, BufferError, ReferenceError),
    *(StopIteration, StopAsyncIteration, OSError, Bite, pickle.PickleError, NotImplementedError),
)
"""What a call may raise, beside the errors of rings; a RuntimeError is one only if it is a RingError."""


class Fuzzer:
    """One run: the objects there are, and what was done with them.

    Attributes:
        calls: how many calls were made, by outcome.
        findings: what should not have happened, as texts.
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
        self.signatures: dict[str, list[inspect.Parameter]] = {}
        for name in CLASSES:
            kind = getattr(backend, name)
            public = [member for member in dir(kind) if not member.startswith("_")]
            self.members[name] = public + [member for member in SPECIAL if hasattr(kind, member)]
        close = lambda writer: self.bad_close(writer)  # noqa: E731 - a function, so that it becomes a method
        self.bad = type("BadReader", (backend.Reader,), {"next": lambda *given: self.bad_next(*given)})
        self.worse = type("BadWriter", (backend.Writer,), {"close": close, "__del__": close})
        classes = [getattr(backend, name) for name in CLASSES]
        self.strangers = {
            kind: [Mock(spec=kind), type("Stranger", (), {"__class__": kind})()] for kind in classes
        }  # what isinstance takes for what it is not
        self.mock = Mock()
        self.allowed = (backend.RingError, *ALLOWED)

    # Each thread draws from a generator of its own, so that a run is as much the same as threads allow.

    @property
    def draw(self) -> random.Random:
        """The thread's own generator of choices."""
        found: random.Random | None = getattr(self.local, "draw", None)
        if found is None:
            found = self.local.draw = random.Random(f"{self.seed} {threading.current_thread().name}")
            self.local.depth, self.local.in_loop = 0, False
        return found

    def bad_next(self, reader: Any, *arguments: Any) -> Any:
        """Read, as a class of a user's own does, after other calls."""
        self.nested()
        return self.backend.Reader.next(reader, *arguments)

    def bad_close(self, writer: Any) -> None:
        """Close, as a class of a user's own does, after other calls."""
        self.nested()
        self.backend.Writer.close(writer)

    def nested(self) -> None:
        """Make a call in the middle of another, unless that is deep enough, or raise."""
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
        """Return one of the objects that are of the classes named, or make one, or something that is none."""
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
        profile = backend.SEED if draw.random() < 0.03 else backend.TINY
        if name in ("EventAllocator", "EventPools"):
            return getattr(backend, name)(profile)
        pointer = self.some("EventAllocator").allocate(self.data())
        if name == "WeakRingPtr":
            return pointer.downgrade()
        if name == "Loan":
            return self.some("EventAllocator").loan(draw.randrange(2_000))
        return pointer

    def number(self) -> Any:
        """Make an integer, or what is taken for one, or not."""
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
        """Make a payload or a batch of them, or what is taken for one, or not."""
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
        """Return a view that there is."""
        found = [thing for thing in self.objects[:] if type(thing) is memoryview]
        return self.draw.choice(found) if found else memoryview(b"")

    def numbers(self) -> Any:
        """Make a column of numbers, or what is taken for one, or not."""
        draw = self.draw
        plain = [draw.choice([0, 1, 8, 64]) for _ in range(draw.randrange(5))]
        biting = [BitingNumber(self, value) for value in plain]
        return draw.choice(
            [None, 1, 8, plain, tuple(plain), array.array("I", plain), array.array("Q", plain), iter(plain), biting,
             BitingSequence(self, plain), BitingBuffer(self, bytes(16)), self.number()]
        )  # fmt: skip

    def tokens(self) -> Any:
        """Make tokens, mostly of those that there are."""
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

    def arguments(self, what: str, call: Any) -> tuple[list[Any], dict[str, Any]]:
        """Make arguments for a call of that name, mostly as its parameters say."""
        draw = self.draw
        parameters = self.signatures.get(what)
        if parameters is None:
            try:
                parameters = [*inspect.signature(call).parameters.values()]
            except (TypeError, ValueError):
                parameters = []
            self.signatures[what] = parameters
        given: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in parameters:
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
        """Make one call and look at what it did."""
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
                given, named = self.arguments(what, call)
                self.keep(call(*given, **named))
            elif choice < 0.22:
                what = draw.choice(FUNCTIONS)
                call = getattr(self.backend, what)
                given, named = self.arguments(what, call)
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
                        given, named = self.arguments(what, found)
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
        except BaseException as error:  # everything else is what is looked for
            self.report(what, error)
        else:
            self.calls["returned"] += 1

    def report(self, what: str, error: BaseException) -> None:
        """Write down what should not have happened."""
        text = "".join(traceback.format_exception(error))
        self.findings.append(f"{what}: {text}")

    def keep(self, value: Any) -> None:
        """Keep what a call returned, in place of something else once there is much."""
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
            # Not the youngest: a tuple that another thread is making cannot be finished once somebody refers to it.
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
        """Use what is not a class of the API's: a view, bytes, a token, an iterator."""
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


class BitingNumber:
    """An integer that makes calls when it is asked for."""

    def __init__(self, fuzzer: Fuzzer, value: int) -> None:
        self.fuzzer, self.value = fuzzer, value

    def __index__(self) -> int:
        self.fuzzer.nested()
        return self.value

    def __eq__(self, other: object) -> bool:
        self.fuzzer.nested()
        return other == self.value

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        self.fuzzer.nested()
        return "number"


class BitingFloat:
    """A number of seconds that makes calls when it is asked for."""

    def __init__(self, fuzzer: Fuzzer, value: float) -> None:
        self.fuzzer, self.value = fuzzer, value

    def __float__(self) -> float:
        self.fuzzer.nested()
        return self.value


class BitingSequence:
    """A sequence that makes calls when it is measured, iterated or indexed, and shrinks meanwhile."""

    def __init__(self, fuzzer: Fuzzer, items: list[Any]) -> None:
        self.fuzzer, self.items = fuzzer, items

    def __len__(self) -> int:
        self.fuzzer.nested()
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        self.fuzzer.nested()
        return self.items[index]

    def __iter__(self) -> Iterator[Any]:
        self.fuzzer.nested()
        for item in self.items[:]:
            self.fuzzer.nested()
            yield item


class BitingBuffer(bytearray):
    """A buffer that makes calls when it is exported and given back (from Python 3.12 on), and tries to move."""

    def __init__(self, fuzzer: Fuzzer, content: bytes) -> None:
        super().__init__(content)
        self.fuzzer = fuzzer

    def __buffer__(self, flags: int) -> memoryview:
        self.fuzzer.nested()
        with contextlib.suppress(BufferError):
            self.append(1)
        return super().__buffer__(flags)

    def __release_buffer__(self, view: memoryview) -> None:
        self.fuzzer.nested()
        with contextlib.suppress(BufferError):
            self.clear()
        super().__release_buffer__(view)


class Cycle:
    """Garbage that holds objects and makes calls on them when it is collected."""

    def __init__(self, fuzzer: Fuzzer, held: list[Any]) -> None:
        self.fuzzer, self.held, self.itself = fuzzer, held, self

    def __del__(self) -> None:
        if not self.fuzzer.over:
            with contextlib.suppress(Bite):
                self.fuzzer.nested()
            for thing in self.held:
                with contextlib.suppress(Exception):
                    repr(thing)
                    self.fuzzer.keep(thing)


def run(
    backend: ModuleType, seed: int, seconds: float, threads: int, *, signals: bool = True, collector: bool = True
) -> Fuzzer:
    """Fuzz for so long; the calling thread must be the main one if there are to be signals."""
    fuzzer = Fuzzer(backend, seed)
    end = time.monotonic() + seconds
    thresholds = gc.get_threshold()

    def work() -> None:
        while time.monotonic() < end and not fuzzer.findings:
            fuzzer.step()
            if fuzzer.draw.random() < 0.001:
                del fuzzer.objects[:]

    def strike(_number: int, _frame: FrameType | None) -> None:
        if fuzzer.armed and fuzzer.draw.random() < 0.5 and not fuzzer.local.in_loop:
            fuzzer.armed = False
            raise Struck
        with contextlib.suppress(Bite):
            fuzzer.nested()

    others = [threading.Thread(target=work, name=f"thread {number}", daemon=True) for number in range(threads)]
    before = signal.getsignal(signal.SIGALRM) if signals else None
    unraisable, sys.unraisablehook = sys.unraisablehook, lambda _: None
    gc.collect()
    gc.freeze()  # so that the collector, which runs at every chance, looks at what the run made alone
    if not collector:
        gc.disable()
    try:
        for other in others:
            other.start()
        if signals:
            signal.signal(signal.SIGALRM, strike)
            signal.setitimer(signal.ITIMER_REAL, 0.003, 0.0037)
        while time.monotonic() < end and not fuzzer.findings:
            try:
                fuzzer.armed = signals
                work()
                fuzzer.armed = False
            except Struck:
                pass
    finally:
        if signals:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        fuzzer.over = True
        gc.set_threshold(*thresholds)
        gc.enable()
        gc.unfreeze()
        for other in others:
            other.join(HANG)
        if any(other.is_alive() for other in others):
            fuzzer.findings.append("a thread hangs")
        sys.unraisablehook = unraisable
    del fuzzer.objects[:]
    gc.collect()
    return fuzzer


# What runs on the sanitized copy: the finders of an editable install would find the other one.
_CHILD = """
import sys
copy, *arguments = sys.argv[1:]
sys.meta_path[:] = [f for f in sys.meta_path if isinstance(f, type) or "editable" not in type(f).__module__]
sys.path.insert(0, copy)
from rusted_ring import native
if not native.__file__.startswith(copy):
    raise SystemExit(f"loaded {native.__file__}, which is not the copy")
from rusted_ring.verify.fuzz import main
sys.exit(main(arguments))
"""


def run_sanitized(arguments: list[str]) -> int:
    """Build the native backend with ASan and UBSan, Python's own blocks under them too, and fuzz it in a process."""
    from rusted_ring.verify.checkout import checkout
    from rusted_ring.verify.defects import Workshop

    compiler = os.environ.get("CC", "gcc")
    sanitizers = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
    library = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder, _environment(CC=f"{compiler} {sanitizers}"):
        workshop = Workshop(checkout(), pathlib.Path(folder) / "work")
        copy = workshop.copy("sanitized").package()
        settings = {
            "LD_PRELOAD": library.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:handle_segv=1",
            "UBSAN_OPTIONS": "print_stacktrace=1",
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": os.pathsep.join(workshop.roots),
        }
        command = [sys.executable, "-c", _CHILD, str(copy), *arguments]
        return subprocess.run(command, env=os.environ | settings, check=False).returncode


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def main(arguments: list[str] | None = None) -> int:
    """Fuzz a backend, round after round with seeds of its own, and say what was found."""
    parser = argparse.ArgumentParser(
        prog="python -m rusted_ring.verify.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--backend", default="native", help="native, reference, or a module with the same names")
    parser.add_argument("--seconds", type=float, default=60, help="how long in all (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (default: 1)")
    parser.add_argument("--round", type=float, default=5, help="seconds of a round (default: 5)")
    parser.add_argument("--threads", type=int, default=2, help="threads beside the main one (default: 2)")
    parser.add_argument("--no-signals", action="store_true", help="without the timer's signals")
    parser.add_argument(
        "--no-collector", action="store_true", help="the collector of cycles runs only where it is called"
    )
    parser.add_argument(
        "--sanitize", action="store_true", help="build native with ASan and UBSan first, from a checkout"
    )
    options = parser.parse_args(arguments)
    if options.sanitize:
        given = sys.argv[1:] if arguments is None else arguments
        return run_sanitized([one for one in given if one != "--sanitize"])
    name = options.backend if "." in options.backend else f"rusted_ring.{options.backend}"
    backend = importlib.import_module(name)
    end, seed, calls = time.monotonic() + options.seconds, options.seed, Counter[str]()
    faulthandler.enable()
    while (left := end - time.monotonic()) > 0:
        faulthandler.dump_traceback_later(options.round + 2 * HANG, exit=True)
        # Every second round is of one thread, whose seed says all.
        threads = options.threads if seed % 2 else 0
        fuzzer = run(
            backend,
            seed,
            min(left, options.round),
            threads,
            signals=not options.no_signals,
            collector=not options.no_collector,
        )
        faulthandler.cancel_dump_traceback_later()
        calls += fuzzer.calls
        if fuzzer.findings:
            print(f"{name}: seed {seed}, {threads} threads beside the main one:\n{fuzzer.findings[0]}", file=sys.stderr)
            return 1
        seed += 1
    total = sum(calls.values())
    print(f"{name}: {total} calls in seeds {options.seed} to {seed - 1} without a finding: {dict(calls.most_common())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
