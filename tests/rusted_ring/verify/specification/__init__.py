"""The clauses, and where each is implemented, tested and needed: for the site and for `rusted-ring spec`."""
