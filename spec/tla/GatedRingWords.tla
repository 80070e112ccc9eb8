-------------------------- MODULE GatedRingWords --------------------------
(* The steps of module GatedRing on the words of a ring; a registration has its state and, from bit 2 on, its cursor, and no tag. *)
EXTENDS GatedRing, Words

StateBits == [FREE |-> 0, JOINING |-> 1, ACTIVE |-> 2]
RegistrationWord(w) == StateBits[w.state] + 4 * w.cursor

Told ==
    /\ WordStep("write_cursor", writeCursor, writeCursor')
    /\ WordStep("claim", gating, gating')
    /\ WordStep("low_water_mark", lowWaterMark, lowWaterMark')
    /\ \A p \in Position : WordStep("event_descriptor", lap[p], lap'[p])
    /\ \A r \in Reader : WordStep("registration", RegistrationWord(registration[r]), RegistrationWord(registration'[r]))
=============================================================================
