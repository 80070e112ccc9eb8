"""The memory model of C11 as axioms, in the form of RC11, and all executions of a small program [MODEL-1 to MODEL-24].

The modules, from the bottom up: `program` (litmus programs), `relations` (sets of pairs), `execution` (events and
execution graphs), `axioms` (the conditions on an execution), `enumerate` (all consistent executions). The explorer's
engine is another implementation of the same clauses; the tests compare the two.

Source: Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing Sequential Consistency in C/C++11", PLDI 2017, with the release
sequences of C++20 (P0982R1) or of C11, and with asymmetric fences (P1202R5).
"""
