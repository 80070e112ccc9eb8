"""The manifest of the TLA+ models: what TLC has to find for each configuration."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from rusted_ring.verify.support.clauses import spec_directory


class ManifestError(ValueError):
    """The manifest cannot be used: the message names the model and the fault."""


@dataclass(frozen=True, slots=True)
class Model:
    """A configuration of a module.

    Attributes:
        name: the name of its configuration file, without the ending.
        module: the name of its root module.
        clauses: the clauses that it models; of a model that must fail, those that its fault violates.
        shows: one sentence on what it shows.
        bound: the sizes of its constants, in words.
        states: the distinct states that TLC finds.
        depth: the depth that TLC reports.
        violated: the property that TLC reports as violated; empty if all hold.
        quick: whether it takes a few seconds only.
        actions: the actions of the proofs that its steps on the core's words are; empty: the steps are not compared.
    """

    name: str
    module: str
    clauses: tuple[str, ...]
    shows: str
    bound: str
    states: int
    depth: int
    violated: str
    quick: bool
    actions: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The name of the module that TLC is given: the one that tells the steps, if they are compared."""
        return f"{self.module}Words" if self.actions else self.module

    def configuration(self) -> str:
        """Return the text of its configuration."""
        return (folder() / f"{self.name}.cfg").read_text(encoding="utf-8")


def folder() -> Path:
    """Return the folder of the modules, their configurations and the manifest."""
    return spec_directory() / "tla"


def read_manifest(path: Path | None = None) -> tuple[Model, ...]:
    """Return the models in the manifest's order.

    Args:
        path: the manifest; by default that of the specification.

    Raises:
        ManifestError: an entry lacks a field, has one too many, or has the name of another one.
    """
    entries = tomllib.loads((path or folder() / "manifest.toml").read_text(encoding="utf-8"))
    models: dict[str, Model] = {}
    for entry in entries["model"]:
        name = entry.get("name", "a model without a name")
        try:
            model = Model(
                **{
                    "violated": "",
                    "quick": False,
                    **entry,
                    "clauses": tuple(entry["clauses"]),
                    "actions": tuple(entry.get("actions", ())),
                },
            )
        except (KeyError, TypeError) as error:
            raise ManifestError(f"{name}: {error}") from None
        if name in models:
            raise ManifestError(f"{name}: two models have this name")
        models[name] = model
    return tuple(models.values())
