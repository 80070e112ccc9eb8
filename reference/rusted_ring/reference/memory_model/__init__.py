"""The memory model of C11 as axioms, in the form of RC11, and all executions of a small program [MODEL-1 to MODEL-24].

From the words up: `program` (what a litmus program says), `relations` (sets of pairs), `execution` (events and
execution graphs), `axioms` (what an execution must satisfy), `enumerate` (all that do). The explorer's engine is
another implementation of the same clauses; the suite compares the two.

Source: Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing Sequential Consistency in C/C++11", PLDI 2017, with the release
sequences of C++20 (P0982R1) or of C11, and with asymmetric fences (P1202R5).
"""
