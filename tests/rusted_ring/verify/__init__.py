"""Whether the core does what the specification says: the engines of the verification and the command line.

From top to bottom; a package imports only what is below it:

- `cli`: the command `rusted-ring`; `verify_run` and `layers`: what `rusted-ring verify` runs.
- Tests of the suite itself, and long runs: `campaign` (every client up to k calls), `necessity` (which memory orders
  are needed), `word_steps` (whether each word of the core changes as the model's actions do), `defects` (seeded
  faults), `fuzz` (the whole API with hostile arguments).
- The methods, which do not import one another: `lockstep` (one operation at a time on a backend and on the reference),
  `model_checking` (clients of the core in every execution), `litmus` (the explorer against the axioms), `replay` (real
  events), `contracts` (CrossHair on the reference), `corpus` (sequences that take every path of the reference),
  `citations` (which clause is cited where), `proofs` (inductive invariants, and what one step may do to a word).
- Shared by several methods: `explorer` (programs that explore themselves), `linearizability` (whether the reference
  allows a history), `clients` (the small programs that are explored).
- `support`: helpers that know nothing of any method.
"""
