------------------------------- MODULE Words -------------------------------
(***************************************************************************)
(* The steps of a model as steps of the core's words: TLC prints each      *)
(* distinct one once, as <<kind of word, value before, value after>>.  The *)
(* actions that z3 proves with have to accept them, as they accept what    *)
(* the explorer sees of the core.  Told is an action constraint of the     *)
(* modules that extend this one; it is always true.                        *)
(***************************************************************************)
EXTENDS TLC, Integers

(* Register 1 of TLC has the steps that were printed. *)
ASSUME TLCSet(1, {})

Tell(step) ==
    \/ step \in TLCGet(1)
    \/ TLCSet(1, TLCGet(1) \cup {step}) /\ PrintT(step)

WordStep(kind, before, after) == before = after \/ Tell(<<kind, before, after>>)
=============================================================================
