------------------------- MODULE BufferedJoinFaults -------------------------
(* The join with one of its two fences: see PoolFaults. *)
EXTENDS BufferedJoin

FenceUnless(t, without) ==
    /\ at[t] = "fence"
    /\ IF t = without THEN UNCHANGED <<memory, buffer>> ELSE Fence(t)
    /\ at' = [at EXCEPT ![t] = "load"]
    /\ UNCHANGED saw

(* The writer scans the readers without a fence [ORDER-10]. *)
NoFenceOfWriter(t) == FenceUnless(t, Writer)

(* The joining reader loads the gating sequence without a fence [ORDER-10]. *)
NoFenceOfReader(t) == FenceUnless(t, Reader)
=============================================================================
