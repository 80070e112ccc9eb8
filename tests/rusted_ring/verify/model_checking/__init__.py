"""Clients of the native core in every execution that C11 allows, and what went wrong in one of them."""
