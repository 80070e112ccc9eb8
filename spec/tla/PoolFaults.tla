----------------------------- MODULE PoolFaults -----------------------------
(***************************************************************************)
(* Pools that are wrong in one place.  A configuration puts one of these   *)
(* definitions in the place of one of module Pool; TLC has to find the     *)
(* property that it breaks.                                                *)
(***************************************************************************)
EXTENDS Pool

(* The generation stays as it is when an event ends [SLOT-12] [WEAK-4]. *)
SameGeneration(g) == g

(* A count may pass its greatest value, and wraps to 0 [SLOT-10]. *)
AnyCount(w) == TRUE
WrappingClone(t, s) ==
    /\ IsIdle(t) /\ held[t][s] > 0
    /\ word' = [word EXCEPT ![s].count = (@ + 1) % (MaxCount + 1)]
    /\ held' = [held EXCEPT ![t][s] = @ + 1]
    /\ UNCHANGED <<detachedWord, freeBits, at, lent>>

(* An upgrade looks at the state and not at the count, and revives an event whose last reference has ended [WEAK-2]. *)
StateIsLive(w, g) == w.state = "LIVE" /\ w.generation = g

(* The last drop returns the bit first, and counts down after that [SLOT-12] [ORDER-2]. *)
BitBeforeCount(t, s) ==
    /\ IsIdle(t) /\ held[t][s] > 0
    /\ IF word[s].count = 1
       THEN freeBits' = freeBits \cup {s} /\ Go(t, "dropped", s) /\ UNCHANGED <<word, held>>
       ELSE /\ word' = [word EXCEPT ![s].count = @ - 1]
            /\ held' = [held EXCEPT ![t][s] = @ - 1]
            /\ UNCHANGED <<freeBits, at>>
    /\ UNCHANGED <<detachedWord, lent>>

(* An allocation makes the slot LIVE first, and counts the detached reference after that [PTR-11] [ORDER-12]. *)
LiveBeforeDetached(t) ==
    /\ IsAt(t, "claimed")
    /\ LET s == at[t].slot IN
        /\ word' = [word EXCEPT ![s] = Live(@.generation, 1)]
        /\ Go(t, "counted", s)
    /\ UNCHANGED <<detachedWord, freeBits, held, lent>>
DetachedAfterLive(t) ==
    /\ IsAt(t, "counted")
    /\ LET s == at[t].slot IN
        detachedWord' = [detachedWord EXCEPT ![s] = [count |-> 1, generation |-> word[s].generation]]
    /\ Return(t)
    /\ UNCHANGED <<word, freeBits, held, lent>>

(* from_token does not look again after it has taken a reference, which may be that of an unfinished allocation [PTR-1]. *)
NoSecondLook(t) ==
    /\ IsAt(t, "confirm") \/ IsAt(t, "doubt")
    /\ LET a == at[t] IN
        held' = [held EXCEPT ![t][a.slot] = @ + IF a.label = "doubt" THEN 1 ELSE 0]
    /\ Return(t)
    /\ UNCHANGED <<word, detachedWord, freeBits, lent>>

(* No fault, but a limit: without the exception, [PTR-14] does not hold once the generation goes round during a call. *)
NoExcuse(s) == FALSE
=============================================================================
