"""The clauses, and the code, tests and memory orders of each: for the site and for `rusted-ring spec`."""
