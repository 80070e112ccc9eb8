-------------------------- MODULE EventCountFaults --------------------------
(* Event counts that are wrong in one place: see PoolFaults. *)
EXTENDS EventCount

(* The waiting thread executes a fence of its own only [ORDER-15]. *)
OwnFence(t) ==
    /\ at[t] = "fence"
    /\ Fence(t)
    /\ Go(t, "recheck")
    /\ UNCHANGED <<seen, next>>

(* The waiting thread announces itself first, and loads the epoch after that [ORDER-16]. *)
AnnounceFirst(t) ==
    /\ at[t] = "begin"
    /\ Exchange(t, "waiters", 1)
    /\ Go(t, "announce")
    /\ UNCHANGED <<seen, next>>
EpochAfterwards(t) ==
    /\ at[t] = "announce"
    /\ seen' = [seen EXCEPT ![t] = Load(t, "epoch")]
    /\ Go(t, "fence")
    /\ UNCHANGED <<memory, buffer, next>>

(* A waiting thread sleeps without a second look [ORDER-15] [RING-32]. *)
NoSecondLook(t) ==
    /\ at[t] = "recheck"
    /\ Go(t, "sleep")
    /\ UNCHANGED <<memory, buffer, seen, next>>
=============================================================================
