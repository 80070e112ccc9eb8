"""Litmus programs: a few threads of a few operations each, written on one line [MODEL-1, MODEL-19].

    2 1 | store 0 rlx 1 ; write 0 ; store 1 rel 1 | load 1 acq ; skip_unless 0 1 1 ; read 0

A program begins with the number of atomic locations and the number of plain ones. `|` separates the threads, and `;`
the operations. Every location holds 0 at first. The operations:

- `load LOC ORDER`, `store LOC ORDER VALUE`, `xchg LOC ORDER VALUE`, `add LOC ORDER VALUE`;
- `cas LOC SUCCESS FAILURE EXPECTED DESIRED`, a strong compare-exchange; `wcas` with the same arguments, a weak one;
- `fence ORDER`; `light ORDER` and `heavy`, the two sides of an asymmetric fence;
- `read LOC`, `write LOC`, accesses to plain locations, which have numbers of their own from 0 and no values;
- `skip_unless OP VALUE N`: if operation number OP of this thread did not read VALUE, the next N operations are skipped.
  A weak compare-exchange that fails although it read EXPECTED did not read VALUE in this sense.

Threads are numbered from 1 and operations from 0, skips included, and `t.i` names operation i of thread t.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LitmusError(ValueError):
    """A text is not a litmus program; the message names the thread, the operation and the mistake [MODEL-19]."""


class Order(StrEnum):
    """A memory order by its name in litmus programs [MODEL-1]."""

    RLX = "rlx"
    ACQ = "acq"
    REL = "rel"
    ACQ_REL = "acq_rel"
    SC = "sc"

    @property
    def acquires(self) -> bool:
        """Whether the order is acquire or stronger [MODEL-8]."""
        return self in (Order.ACQ, Order.ACQ_REL, Order.SC)

    @property
    def releases(self) -> bool:
        """Whether the order is release or stronger [MODEL-8]."""
        return self in (Order.REL, Order.ACQ_REL, Order.SC)


LOAD_ORDERS: Final = (Order.RLX, Order.ACQ, Order.SC)
STORE_ORDERS: Final = (Order.RLX, Order.REL, Order.SC)
ALL_ORDERS: Final = tuple(Order)


@dataclass(frozen=True, slots=True)
class Load:
    """An atomic load [MODEL-1]."""

    location: int
    order: Order


@dataclass(frozen=True, slots=True)
class Store:
    """An atomic store [MODEL-1]."""

    location: int
    order: Order
    value: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """An atomic exchange: reads, and writes its value [MODEL-1]."""

    location: int
    order: Order
    value: int


@dataclass(frozen=True, slots=True)
class Add:
    """A fetch-and-add: reads, and writes what it read plus its value [MODEL-1]."""

    location: int
    order: Order
    value: int


@dataclass(frozen=True, slots=True)
class CompareExchange:
    """A strong compare-exchange: writes `desired` if it reads `expected`, else it is a load [MODEL-1]."""

    location: int
    success: Order
    failure: Order
    expected: int
    desired: int


@dataclass(frozen=True, slots=True)
class WeakCompareExchange(CompareExchange):
    """A weak compare-exchange: it may also fail, as a load, if it reads `expected` [MODEL-1]."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A fence [MODEL-1]."""

    order: Order


@dataclass(frozen=True, slots=True)
class LightFence:
    """The light side of an asymmetric fence: `atomic_signal_fence` [MODEL-22, MODEL-23]."""

    order: Order


@dataclass(frozen=True, slots=True)
class HeavyFence:
    """The heavy side of an asymmetric fence, always seq_cst: `membarrier` [MODEL-22, MODEL-23]."""


@dataclass(frozen=True, slots=True)
class PlainRead:
    """A read of a plain location [MODEL-16]."""

    location: int


@dataclass(frozen=True, slots=True)
class PlainWrite:
    """A write of a plain location [MODEL-16]."""

    location: int


@dataclass(frozen=True, slots=True)
class SkipUnless:
    """Skips the next `count` operations unless operation number `operation` of the thread read `value` [MODEL-19]."""

    operation: int
    value: int
    count: int


ReadModifyWrite = Exchange | Add | CompareExchange
Reading = Load | ReadModifyWrite
Writing = Store | ReadModifyWrite
AnyFence = Fence | LightFence | HeavyFence
Operation = Load | Store | ReadModifyWrite | AnyFence | PlainRead | PlainWrite | SkipUnless


@dataclass(frozen=True, slots=True)
class Program:
    """A litmus program [MODEL-19].

    Attributes:
        atomics: the number of atomic locations.
        plains: the number of plain locations.
        threads: the operations of each thread; thread t is `threads[t - 1]`.

    Raises:
        LitmusError: an operation names a location or an operation that is not there, or an order that C11 refuses it.
    """

    atomics: int
    plains: int
    threads: tuple[tuple[Operation, ...], ...]

    def __post_init__(self) -> None:
        if not self.threads:
            raise LitmusError("the program has no thread: put one after the numbers of locations, parted by |")
        for number, operations in enumerate(self.threads, 1):
            if not operations:
                raise LitmusError(f"thread {number} has no operation: give it one or leave it out")
            for index, operation in enumerate(operations):
                complaint = _complaint(self, operations, index)
                if complaint:
                    raise LitmusError(f"{number}.{index} `{operation_text(operation)}`: {complaint}")

    def __str__(self) -> str:
        threads = [" ; ".join(map(operation_text, operations)) for operations in self.threads]
        return " | ".join([f"{self.atomics} {self.plains}", *threads])


def _complaint(program: Program, operations: Sequence[Operation], index: int) -> str:
    """Return the message for an operation that is not allowed, "" if it is allowed."""
    operation = operations[index]
    if isinstance(operation, SkipUnless):
        return _complaint_of_skip(operation, operations, index)
    if isinstance(operation, AnyFence):
        return ""
    plain = isinstance(operation, PlainRead | PlainWrite)
    kind, count = ("plain", program.plains) if plain else ("atomic", program.atomics)
    if not 0 <= operation.location < count:
        return f"location {operation.location} is not one of the {count} {kind} locations, which count from 0"
    if isinstance(operation, Load):
        return _complaint_of_order("a load", operation.order, LOAD_ORDERS)
    if isinstance(operation, Store):
        return _complaint_of_order("a store", operation.order, STORE_ORDERS)
    if isinstance(operation, CompareExchange):
        return _complaint_of_order("a failure", operation.failure, LOAD_ORDERS) or _complaint_of_strength(operation)
    return ""


def _complaint_of_order(what: str, order: Order, allowed: Sequence[Order]) -> str:
    return "" if order in allowed else f"{what} cannot be {order}: use one of {' '.join(allowed)} (C11 7.17.7)"


def _complaint_of_strength(operation: CompareExchange) -> str:
    success, failure = operation.success, operation.failure
    if (failure is Order.SC and success is not Order.SC) or (failure is Order.ACQ and success is Order.RLX):
        return f"failure order {failure} is stronger than success order {success}: weaken it (C11 7.17.7.4)"
    return ""


def _complaint_of_skip(skip: SkipUnless, operations: Sequence[Operation], index: int) -> str:
    left = len(operations) - index - 1
    if not 1 <= skip.count <= left:
        return f"skips {skip.count} operations where {left} follow: name a number from 1 to {left}"
    if not 0 <= skip.operation < index or not isinstance(operations[skip.operation], Reading):
        return f"operation {skip.operation} does not come before it and read: name a load, xchg, add, cas or wcas"
    for earlier, other in enumerate(operations[:index]):
        if isinstance(other, SkipUnless) and earlier < skip.operation <= earlier + other.count < index:
            return f"operation {skip.operation} may have been skipped by operation {earlier}: name one that has not"
    return ""


def operation_text(operation: Operation) -> str:
    """Return the text of an operation in a litmus program [MODEL-19]."""
    word = _WORD_OF[type(operation)]
    return " ".join([word, *(str(getattr(operation, name)) for name in operation.__dataclass_fields__)])


def parse(text: str) -> Program:
    """Return the litmus program of a text; `str` of the program is an equivalent text [MODEL-19].

    Raises:
        LitmusError: the text is not a litmus program.
    """
    header, *threads = text.split("|")
    numbers = header.split()
    if len(numbers) != 2 or not all(map(_is_number, numbers)):
        raise LitmusError(f"{header.strip()!r} are not the numbers of atomic and plain locations: begin as in `2 1 |`")
    parsed = [_parse_thread(number, thread) for number, thread in enumerate(threads, 1)]
    return Program(int(numbers[0]), int(numbers[1]), tuple(parsed))


def _parse_thread(number: int, text: str) -> tuple[Operation, ...]:
    if not text.strip():
        return ()
    operations: list[Operation] = []
    for index, operation in enumerate(text.split(";")):
        try:
            operations.append(_parse_operation(operation.split()))
        except LitmusError as error:
            raise LitmusError(f"{number}.{index} `{operation.strip()}`: {error}") from None
    return tuple(operations)


def _parse_operation(words: Sequence[str]) -> Operation:
    if not words:
        raise LitmusError("there is no operation: write one, or leave the ; out")
    name, *arguments = words
    if name not in _FORMS:
        raise LitmusError(f"unknown operation {name!r}: use one of {' '.join(_FORMS)}")
    make, form = _FORMS[name]
    if len(arguments) != len(form.split()):
        raise LitmusError(f"{name} takes {form or 'nothing'}, {len(form.split())} words, not {len(arguments)}")
    return make(*map(_parse_argument, form.split(), arguments))


def _parse_argument(form: str, word: str) -> int | Order:
    if form in ("ORDER", "SUCCESS", "FAILURE"):
        if word not in ALL_ORDERS:
            raise LitmusError(f"{form} cannot be {word!r}: use one of {' '.join(ALL_ORDERS)}")
        return Order(word)
    if not _is_number(word):
        raise LitmusError(f"{form} cannot be {word!r}: use a number from 0")
    return int(word)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit()


_FORMS: Final[dict[str, tuple[Callable[..., Operation], str]]] = {
    "load": (Load, "LOC ORDER"),
    "store": (Store, "LOC ORDER VALUE"),
    "xchg": (Exchange, "LOC ORDER VALUE"),
    "add": (Add, "LOC ORDER VALUE"),
    "cas": (CompareExchange, "LOC SUCCESS FAILURE EXPECTED DESIRED"),
    "wcas": (WeakCompareExchange, "LOC SUCCESS FAILURE EXPECTED DESIRED"),
    "fence": (Fence, "ORDER"),
    "light": (LightFence, "ORDER"),
    "heavy": (HeavyFence, ""),
    "read": (PlainRead, "LOC"),
    "write": (PlainWrite, "LOC"),
    "skip_unless": (SkipUnless, "OP VALUE N"),
}
_WORD_OF: Final = {make: word for word, (make, _) in _FORMS.items()}
