"""Object files and libraries that the user links: copies the instrumented ones, lists the symbols of the others."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from rusted_ring.verify.explorer import externals, guards
from rusted_ring.verify.explorer.instrumenting import USUAL_LIBRARIES, Flags
from rusted_ring.verify.explorer.toolchain import (
    CannotBuild,
    call,
)


def prebuilt(
    given: Flags, folder: Path, compiler: Sequence[str]
) -> tuple[list[Path], list[str], dict[str, tuple[str, str]]]:
    """Return copies of the instrumented files that the user links, caveats, and the symbols of the other files."""
    usable: list[Path] = []
    caveats: list[str] = []
    foreign: dict[str, tuple[str, str]] = {}
    files = list(given.files)
    for name in given.libraries:
        if name in USUAL_LIBRARIES:
            continue
        places = [Path(where) / f"lib{name}{suffix}" for where in given.folders for suffix in (".so", ".a")]
        places += [Path(call([*compiler, f"-print-file-name=lib{name}{suffix}"]).strip()) for suffix in (".so", ".a")]
        file = next((path for path in places if path.is_file()), None)
        if file is None:
            raise CannotBuild(f"-l{name}: there is no such library")
        files.append(file)
    for number, file in enumerate(files):
        if not file.is_file():
            raise CannotBuild(f"{file}: no such file")
        shared = ".so" in file.suffixes
        members = {} if shared else externals.members(file)
        if members and all("__tsan_init" in member.undefined for member in members.values()):
            copy = folder / f"linked-{number}-{file.name}"
            shutil.copyfile(file, copy)
            guards.check_instructions(copy, file.name)
            usable.append(copy)
            caveats.append(f"what the compiler removed before {file.name} was instrumented is not known")
        else:
            symbols = externals.read_symbols(file, dynamic=shared).defined
            foreign |= {name: (kind, file.name) for name, kind in symbols.items()}
    return usable, caveats, foreign
