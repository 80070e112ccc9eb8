"""The version of the installed package, whose one home is pyproject.toml."""


def module_attribute(module: str, name: str) -> str:
    """Return what a module has that is looked up when it is asked for: `__version__`.

    Raises:
        AttributeError: the module has no such attribute.
    """
    if name != "__version__":
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    from importlib.metadata import version  # takes longer than all else that an import does

    return version("rusted-ring")
