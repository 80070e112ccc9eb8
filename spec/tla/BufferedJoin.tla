---------------------------- MODULE BufferedJoin ----------------------------
(***************************************************************************)
(* Store buffering between two threads, as it is when a reader joins a     *)
(* gated ring while the writer raises its gating sequence [ORDER-10].      *)
(* Each stores, executes a seq_cst fence, and loads what the other stores: *)
(* at least one of the two has to see the other.                           *)
(*                                                                         *)
(* The two stores and loads of two readers that leave are the same         *)
(* [ORDER-14].                                                             *)
(***************************************************************************)
EXTENDS Buffers

CONSTANTS Writer, Reader

VARIABLES at, saw

vars == <<memory, buffer, at, saw>>

ASSUME Thread = {Writer, Reader} /\ Location = {"gating sequence", "registration"}

Own(t) == IF t = Writer THEN "gating sequence" ELSE "registration"
Others(t) == IF t = Writer THEN "registration" ELSE "gating sequence"

Init == InitMemory /\ at = [t \in Thread |-> "store"] /\ saw = [t \in Thread |-> 0]

(* writer.c:raise_gating_sequence; reader_registrations.c:register_reader *)
StoreOwn(t) ==
    /\ at[t] = "store"
    /\ Store(t, Own(t), 1)
    /\ at' = [at EXCEPT ![t] = "fence"]
    /\ UNCHANGED saw

FenceOf(t) ==
    /\ at[t] = "fence"
    /\ Fence(t)
    /\ at' = [at EXCEPT ![t] = "load"]
    /\ UNCHANGED saw

(* reader_registrations.c:slowest_reader; reader_registrations.c:register_reader *)
LoadOthers(t) ==
    /\ at[t] = "load"
    /\ saw' = [saw EXCEPT ![t] = Load(t, Others(t))]
    /\ at' = [at EXCEPT ![t] = "done"]
    /\ UNCHANGED <<memory, buffer>>

Drain(t, x) == Commit(t, x) /\ UNCHANGED <<at, saw>>

Next == \E t \in Thread : StoreOwn(t) \/ FenceOf(t) \/ LoadOthers(t) \/ \E x \in Location : Drain(t, x)

Spec == Init /\ [][Next]_vars

(* [ORDER-10] *)
OneSeesTheOther == (\A t \in Thread : at[t] = "done") => \E t \in Thread : saw[t] = 1
=============================================================================
