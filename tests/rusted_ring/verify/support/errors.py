"""The error of an input that cannot be used [ERR-3]."""


class InputError(ValueError):
    """Input that cannot be used: the command prints the message in one line and exits with status 2 [ERR-3]."""
