"""Calls as templates of source, their outcomes, and the error for two outcomes that differ [ERR-1]."""

import array
import collections
import copy
import pickle
import sys
from collections.abc import Callable
from typing import Any

from rusted_ring import reference
from rusted_ring.verify.lockstep.concrete import untraced


class Disagreement(AssertionError):
    """The backend and the reference differ [ERR-1].

    Attributes:
        clause: the id of the clause that was broken.
        message: the difference in words.
        script: a Python snippet that runs and fails on the backend.
    """

    def __init__(self, clause: str, message: str, script: str) -> None:
        """Keep the three and show them [ERR-3]."""
        super().__init__(f"[{clause}] {message}\n\n{script}")
        self.clause = clause
        self.message = message
        self.script = script

    def __reduce__(self) -> tuple[type["Disagreement"], tuple[str, str, str]]:
        """Pickle by the three, since runs end in another process."""
        return (type(self), (self.clause, self.message, self.script))


Template = Callable[..., Any]
compiled: dict[str, Template] = {}


def compile_template(template: str, arguments: int) -> Template:
    """Compile a call's source to a function, so that the engine runs exactly what the script shows."""
    names = [f"a{index}" for index in range(arguments)]
    source = f"lambda backend, {', '.join(names)}: {template.format(*names)}"
    modules = {"array": array, "collections": collections, "copy": copy, "pickle": pickle, "sys": sys}
    function: Template = eval(compile(source, f"<{template}>", "eval"), modules)
    compiled[template] = function
    return function


class Raised:
    """A call's error: the name of its class, the numbers of `Lagged`, and the message (which is not compared)."""

    __slots__ = ("detail", "message", "name")

    def __init__(self, error: Exception) -> None:
        self.name = type(error).__name__
        self.message = str(error)
        self.detail: object = self.name
        if self.name == "Lagged":
            self.detail = (self.name, getattr(error, "skipped", None), getattr(error, "next_sequence", None))


def look(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the value that the backend returns, or the name of the error that the call raises."""
    try:
        return untraced(function, *arguments)
    except Exception as error:
        return type(error).__name__


def figure(function: Template, thing: Any) -> Any:
    """Return a property of the reference's object, or the name of the error that the access raises."""
    try:
        return function(reference, thing)
    except Exception as error:
        return type(error).__name__
