"""The version of the installed package, which `pyproject.toml` states."""


def module_attribute(module: str, name: str) -> str:
    """Return an attribute of a module that is computed at its first use: `__version__`.

    Raises:
        AttributeError: the module has no such attribute.
    """
    if name != "__version__":
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    from importlib.metadata import version  # imported here, as it takes longer than the rest of the package

    return version("rusted-ring")
