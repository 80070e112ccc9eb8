"""The methods whose packages say what they show of clauses, in one list.

A package of a method has a module `claims` with `CLAIMS`, and a function that runs what the claims rest on and yields
`(name, ok, detail, seconds)`. A package that is not there is left out; to add one, add a line to `METHODS`.
"""

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rusted_ring.verify.support.claims import Claim
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.extras import remedy
from rusted_ring.verify.tla.tlc import Missing


@dataclass(frozen=True)
class Method:
    """A method with claims.

    Attributes:
        package: below `rusted_ring.verify`.
        runner: the module of the package that has `run`.
        title: the column of the table.
        by: the tool that gives the verdict.
    """

    package: str
    runner: str
    title: str
    by: str


METHODS = (
    Method("tla", "checking", "modelled", "TLC"),
    Method("proofs", "command", "proved", "z3"),
    Method("every_input", "checking", "every input", "ESBMC"),
)


class CannotRun(Exception):
    """A method cannot run here; the message says what is missing."""


def available() -> tuple[Method, ...]:
    """Return the methods whose packages are there."""
    return tuple(method for method in METHODS if importlib.util.find_spec(f"rusted_ring.verify.{method.package}"))


def claims_of(method: Method) -> tuple[Claim, ...]:
    """Return what a method shows.

    Raises:
        CannotRun: a module that it needs is not installed.
    """
    try:
        module = importlib.import_module(f"rusted_ring.verify.{method.package}.claims")
    except ModuleNotFoundError as error:
        raise CannotRun(remedy(error.name) or str(error)) from error
    found: tuple[Claim, ...] = module.CLAIMS
    return found


def run(method: Method, names: Sequence[str]) -> Iterator[tuple[str, bool, str, float]]:
    """Run the models, proofs or harnesses of these names; yields the name, whether it holds, the detail, the seconds.

    Raises:
        CannotRun: its tool is not installed.
    """
    package = f"rusted_ring.verify.{method.package}"
    try:
        module = importlib.import_module(f"{package}.{method.runner}")
        for name, ok, detail, seconds in module.run(list(names)):
            yield str(name), bool(ok), str(detail), float(seconds)
    except ModuleNotFoundError as error:
        raise CannotRun(remedy(error.name) or str(error)) from error
    except (InputError, Missing) as error:
        raise CannotRun(str(error)) from error
