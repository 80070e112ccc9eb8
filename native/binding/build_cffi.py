"""Describe both extension modules to cffi's generator, which CMake runs."""

import pathlib

import cffi

_HERE = pathlib.Path(__file__).resolve().parent
_CALLS = (_HERE / "calls.h").read_text(encoding="utf-8")


def _declarations(name: str) -> str:
    """Return the part of calls.h between the two marks of `name`."""
    _, _, rest = _CALLS.partition(f"begin {name}")
    text, mark, _ = rest.partition(f"end {name}")
    text = text.removeprefix(" */").removesuffix("/* ")
    if not mark:
        raise ValueError(f"calls.h has no part {name!r}")
    return text


_cffi = cffi.FFI()
_cffi.cdef("".join(map(_declarations, ("types", "structures", "numbers", "calls"))))
_cffi.set_source("rusted_ring.native._cffi", '#include "calls.c"\n')

_quick = cffi.FFI()
_quick.include(_cffi)
_quick.cdef(_declarations("calls"))
_quick.set_source(
    "rusted_ring.native._quick",
    """
#undef Py_BEGIN_ALLOW_THREADS
#undef Py_END_ALLOW_THREADS
#define Py_BEGIN_ALLOW_THREADS {
#define Py_END_ALLOW_THREADS }
#include "calls.c"
""",
)
