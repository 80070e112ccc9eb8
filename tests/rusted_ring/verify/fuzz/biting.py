"""Hostile arguments: they run code of their own when the API reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol


class Calls(Protocol):
    """The interface of the fuzzer, which makes the calls."""

    over: bool
    """Whether the run has ended."""

    def nested(self) -> None:
        """Make calls in the middle of another."""

    def keep(self, value: Any) -> None:
        """Keep what a call returned, for later ones."""


class Bite(Exception):
    """The exception that a hostile argument raises."""


class Struck(BaseException):
    """The exception that the signal handler raises."""


class BitingNumber:
    """An integer that makes calls when it is converted."""

    def __init__(self, fuzzer: Calls, value: int) -> None:
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
    """A number of seconds that makes calls when it is converted."""

    def __init__(self, fuzzer: Calls, value: float) -> None:
        self.fuzzer, self.value = fuzzer, value

    def __float__(self) -> float:
        self.fuzzer.nested()
        return self.value


class BitingSequence:
    """A sequence that makes calls and shrinks when its length is taken or it is iterated or indexed."""

    def __init__(self, fuzzer: Calls, items: list[Any]) -> None:
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
    """A buffer that makes calls when it is exported and released (from Python 3.12 on), and tries to move."""

    def __init__(self, fuzzer: Calls, content: bytes) -> None:
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

    def __init__(self, fuzzer: Calls, held: list[Any]) -> None:
        self.fuzzer, self.held, self.itself = fuzzer, held, self

    def __del__(self) -> None:
        if not self.fuzzer.over:
            with contextlib.suppress(Bite):
                self.fuzzer.nested()
            for thing in self.held:
                with contextlib.suppress(Exception):
                    repr(thing)
                    self.fuzzer.keep(thing)
