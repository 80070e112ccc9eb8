"""Model checking of the native core: every execution of a client that C11 allows, and the violations found."""
