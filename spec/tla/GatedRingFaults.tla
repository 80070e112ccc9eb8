-------------------------- MODULE GatedRingFaults --------------------------
(* Gated rings that are wrong in one place: see PoolFaults. *)
EXTENDS GatedRing

(* The writer raises its gating sequence and does not scan the readers again [ORDER-10] [RING-15]. *)
NoSecondScan ==
    /\ writer.at = "scan" /\ writer.scanned = Readers
    /\ gating' = Target
    /\ writer' = Decided(Target)
    /\ UNCHANGED <<writeCursor, registration, lap, payload, ofReaders>>

(* The writer publishes an event before it writes it [RING-5]. *)
DescriptorFirst ==
    /\ writer.at = "write"
    /\ lap' = [lap EXCEPT ![writer.cursor % Capacity] = LapOf(writer.cursor)]
    /\ writer' = [writer EXCEPT !.at = "describe"]
    /\ UNCHANGED <<writeCursor, gating, registration, payload, ofReaders>>
PayloadLast ==
    /\ writer.at = "describe"
    /\ payload' = [payload EXCEPT ![writer.cursor % Capacity] = writer.cursor]
    /\ writer' = [writer EXCEPT !.at = "count"]
    /\ UNCHANGED <<writeCursor, gating, registration, lap, ofReaders>>

(* A joining reader does not look at the gating sequence [ORDER-10]. *)
NeverLate(r) == FALSE

(* A descriptor has no lap bit: any event is taken for the reader's [ORDER-17] [RING-13]. *)
NoLapBit(r) == payload[reader[r].cursor % Capacity] # Out
=============================================================================
