------------------------ MODULE OverwriteRingFaults ------------------------
(* Overwriting rings that are wrong in one place: see PoolFaults. *)
EXTENDS OverwriteRing

(* The fence between the announcement and the payload is left out: the payload may be in memory first [ORDER-9]. *)
NoFence ==
    /\ at[Writer] = "fence"
    /\ Go(Writer, "first")
    /\ UNCHANGED <<memory, buffer, cursor, ofReader>>

(* The cursor is stored without release: it may be in memory before the payload [ORDER-7]. *)
RelaxedPublish ==
    /\ at[Writer] = "publish"
    /\ Store(Writer, <<"write cursor">>, cursor[Writer] + 1)
    /\ cursor' = [cursor EXCEPT ![Writer] = @ + 1]
    /\ Go(Writer, "ready")
    /\ UNCHANGED ofReader

(* The reader does not check its copy [RING-13]. *)
NoCheck == TRUE
=============================================================================
