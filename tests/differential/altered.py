"""Copies of the reference with one fault each: what the differential machine must catch.

`import altered_reference.NAME` is a copy of `rusted_ring.reference`, and of the vocabulary that it imports, in which a
piece of text is replaced. It must be there exactly once, so that a fault that no longer applies is an error and not a
test that passes.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import pathlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

from rusted_ring import reference

PACKAGE = "altered_reference"
ORIGINAL = "rusted_ring.reference"
WORDS = "rusted_ring.vocabulary"
FOLDER = pathlib.Path(reference.__file__ or "").parent


class Fault(NamedTuple):
    """One fault.

    Attributes:
        file: the module of the reference, or `vocabulary.` and one of the vocabulary, without `.py`.
        before: text of it, there exactly once.
        after: what stands there instead.
        clauses: the ids of the clauses one of which must be named.
    """

    file: str
    before: str
    after: str
    clauses: frozenset[str]


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads the modules of the altered copies."""

    def __init__(self, faults: dict[str, Fault]) -> None:
        self.faults = faults

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a copy, or one of its modules."""
        del path, target
        parts = fullname.split(".")
        if parts[0] != PACKAGE or len(parts) > 4 or (len(parts) > 1 and parts[1] not in self.faults):
            return None
        is_package = len(parts) < 3 or (len(parts) == 3 and parts[2] == "vocabulary")
        return importlib.machinery.ModuleSpec(fullname, self, is_package=is_package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Leave it to the import system."""
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the altered source."""
        parts = module.__name__.split(".")
        if len(parts) == 1:
            return
        copy = ".".join(parts[:2])
        file = ".".join(parts[2:]) or "__init__"
        path = FOLDER.joinpath(*parts[2:])
        if parts[2:3] == ["vocabulary"]:
            path = FOLDER.with_name("vocabulary").joinpath(*parts[3:])
        path = path / "__init__" if path.is_dir() else path
        text = path.with_suffix(".py").read_text(encoding="utf-8")
        fault = self.faults[parts[1]]
        if file == fault.file:
            if text.count(fault.before) != 1:
                raise ImportError(f"fault {parts[1]}: its text is {text.count(fault.before)} times in {file}.py")
            text = text.replace(fault.before, fault.after)
        text = text.replace(ORIGINAL, copy).replace(WORDS, f"{copy}.vocabulary")
        exec(compile(text, f"<{module.__name__}>", "exec"), module.__dict__)


def install(faults: dict[str, Fault]) -> None:
    """Let the copies be imported, in this process."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder(faults))


def load(name: str) -> ModuleType:
    """Import the copy that has a fault."""
    return importlib.import_module(f"{PACKAGE}.{name}")
