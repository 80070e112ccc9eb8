"""A fuzzer of the whole API, generated from the classes themselves."""
