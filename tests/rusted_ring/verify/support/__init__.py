"""What every method may use: backends by name, the checkout, clauses, child processes, tables for a terminal."""
