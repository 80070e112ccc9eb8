"""Copies of the core, built anew where a defect touches them and reused where it does not."""

import dataclasses
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Sequence

from rusted_ring.verify.defects.catalogue import PROGRAMS, CatalogueError
from rusted_ring.verify.support.c_functions import Functions

SOURCES = ("include", "src", "binding", "tests")  # the folders of native/ that a copy has
GENERATED = "binding/_cffi.c"  # what cffi makes of build_cffi.py


class Workshop:
    """Builds copies of the core, reusing what a defect does not touch.

    Attributes:
        native: the copy of `native/` that everything is made of, so that an edit in the meantime changes nothing.
        functions: the functions of the core there.
        roots: copies of `reference/` and `tests/` that the checks run from.
        core: the core's sources, below `native`.
        modules: the sources of each module of the binding.
    """

    def __init__(self, root: pathlib.Path, folder: pathlib.Path) -> None:
        """Copy the sources and generate the binding's C; each source is compiled once, when it is first needed.

        Args:
            root: the checkout.
            folder: an empty folder that the caller deletes.
        """
        self.folder = folder
        self.compiler = shlex.split(os.environ.get("CC", "cc"))
        self.native = folder / "native"
        ignored = shutil.ignore_patterns("*.so", "__pycache__")
        for part in (*SOURCES, "rusted_ring"):
            shutil.copytree(root / "native" / part, self.native / part, ignore=ignored)
        self.functions = Functions(self.native / "src")
        self.roots = [str(folder / room) for room in ("reference", "tests")]
        for room in ("reference", "tests"):
            shutil.copytree(root / room / "rusted_ring", folder / room / "rusted_ring", ignore=ignored)
        shutil.copytree(root / "spec", folder / "spec", ignore=shutil.ignore_patterns("_build", "states"))
        self.core = [f"src/{path.name}" for path in sorted((self.native / "src").glob("*.c"))]
        if not self.core:
            raise CatalogueError(f"no C sources in {root / 'native' / 'src'}")
        binding = self.native / "binding"
        chapters = [f"binding/{path.name}" for path in sorted(binding.glob("*.c"))]
        generator = [sys.executable, "-m", "cffi.gen_src", "exec-python", "--ffi-var", "_cffi"]
        self.run([*generator, str(binding / "build_cffi.py"), str(self.native / GENERATED)])
        self.modules = {"_cffi": [GENERATED], "_core": chapters}
        self._objects: dict[tuple[str, str], pathlib.Path] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    @staticmethod
    def run(command: Sequence[str]) -> None:
        """Run a build step."""
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CatalogueError(f"build failed: {shlex.join(command)}\n{done.stdout}{done.stderr}")

    def flags(self, layer: str) -> list[str]:
        """Return the flags that a layer adds; those that load a module add none."""
        return [flag.format(native=self.native) for flag in PROGRAMS.get(layer, ())]

    def compile(self, native: pathlib.Path, file: str, layer: str, folder: pathlib.Path) -> pathlib.Path:
        """Compile one file of a copy of `native/` as a layer has it; return the object, which goes into the folder."""
        include = [f"-I{native / part}" for part in ("include", "src", "binding")]
        python = [f"-I{sysconfig.get_path('include')}", "-DPy_LIMITED_API=0x030b0000"]
        # -w: a fault may leave a variable unused, and what it breaks is the question here.
        flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-g0", "-fPIC", "-w", "-pthread", *self.flags(layer)]
        # Chapters of the core and of the binding may share a name.
        output = folder / f"{layer}-{file.replace('/', '-').removesuffix('.c')}.o"
        self.run([*self.compiler, *flags, *include, *python, "-c", str(native / file), "-o", str(output)])
        return output

    def object(self, file: str, layer: str) -> pathlib.Path:
        """Return the object of an unchanged file as a layer has it, compiled once."""
        key = file, layer if self.flags(layer) else ""
        with self._locks.setdefault(key, threading.Lock()):
            if key not in self._objects:
                self._objects[key] = self.compile(self.native, file, key[1], self.folder)
            return self._objects[key]

    def copy(self, name: str, file: pathlib.Path | None = None, text: str = "") -> "Copy":
        """Make a copy of the core.

        Args:
            name: the copy's name.
            file: a file in `native` that is another one in the copy, or None for an unchanged copy.
            text: what it contains then.
        """
        folder = self.folder / "copies" / name
        folder.mkdir(parents=True)
        if file is None:
            return Copy(self, folder, self.native, "")
        for part in SOURCES:
            shutil.copytree(self.native / part, folder / "native" / part)
        changed = str(file.relative_to(self.native))
        (folder / "native" / changed).write_text(text, encoding="utf-8")
        return Copy(self, folder, folder / "native", changed)


@dataclasses.dataclass(frozen=True)
class Copy:
    """A copy of the core, at most one file of which is changed, and what is built of it.

    Attributes:
        workshop: what builds it.
        folder: what is built goes here.
        native: its sources: `native/` in its folder, or in that of the workshop if nothing is changed.
        changed: the file that is changed, below `native`; empty for none.
    """

    workshop: Workshop
    folder: pathlib.Path
    native: pathlib.Path
    changed: str

    def object(self, file: str, layer: str) -> pathlib.Path:
        """Return the object of a source as a layer has it: of its own if the changed file is in it."""
        if file == self.changed or self.changed.endswith(".h"):
            return self.workshop.compile(self.native, file, layer, self.folder)
        return self.workshop.object(file, layer)

    def package(self) -> pathlib.Path:
        """Build the native package; return the folder to put on the path, which has `rusted_ring/native` in it."""
        package = self.folder / "rusted_ring" / "native"
        if package.exists():
            return self.folder
        shutil.copytree(self.workshop.native / "rusted_ring" / "native", package)
        shared = ["-shared", *(["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else [])]
        core = [str(self.object(source, "")) for source in self.workshop.core]
        for module, sources in self.workshop.modules.items():
            output = package / f"{module}.abi3.so"
            own = [str(self.object(source, "")) for source in sources]
            self.workshop.run([*self.workshop.compiler, *shared, "-pthread", *own, *core, "-o", str(output)])
        return self.folder

    def program(self, name: str, layer: str) -> pathlib.Path:
        """Build a C test, linked to the core, as a layer has both; return the program."""
        sources = [f"tests/{name}.c", *self.workshop.core]
        objects = [str(self.object(source, layer)) for source in sources]
        output = self.folder / f"{layer}-{name}"
        flags = self.workshop.flags(layer)
        self.workshop.run([*self.workshop.compiler, *flags, "-pthread", *objects, "-o", str(output)])
        return output
