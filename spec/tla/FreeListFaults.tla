--------------------------- MODULE FreeListFaults ---------------------------
(* Free lists that are wrong in one place: see PoolFaults. *)
EXTENDS FreeList

(* One pass that finds nothing is taken for exhaustion [ALLOC-3]. *)
OnePass(s) == TRUE

(* A tag of width 0: sums are compared modulo 1, and are always the same [ALLOC-3]. *)
NoTag(s) == s.pass > 0

(* A release sets the bit and counts nothing [ALLOC-3]. *)
ReleaseWithoutVersion(t) ==
    /\ search[t] = NotSearching
    /\ \E s \in owned[t] :
        /\ bits' = [bits EXCEPT ![s[1]] = @ \cup {s}]
        /\ owned' = [owned EXCEPT ![t] = @ \ {s}]
    /\ UNCHANGED <<search, version>>
=============================================================================
