----------------------------- MODULE GatedRing -----------------------------
(***************************************************************************)
(* A gated ring as the C core has it: the writer raises its gating         *)
(* sequence, scans the registrations one by one and admits readers;        *)
(* readers join, read, and leave or are evicted.                           *)
(*                                                                         *)
(* Left out: the search for a free registration and its tags (each reader  *)
(* has a registration of its own) [RING-21]; batches, reservations, peeks  *)
(* and waits; readers that the ring waits for [RING-45].  Two scans by     *)
(* readers are one step here: least_cursor, of a reader that joins and of  *)
(* one that leaves.  Threads take turns: the fences of [ORDER-10] are the  *)
(* subject of BufferedJoin.                                                *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
    Readers,   \* readers, numbered from 1
    Capacity,
    Events,    \* events that the writer adds
    Out

VARIABLES
    writeCursor,    \* ring_cursors.write_cursor
    gating,         \* ring_cursors.claim
    lowWaterMark,   \* ring_membership.low_water_mark
    registration,   \* registration.word: a state and a cursor
    lap,            \* of each slot, the lap bit of its event descriptor
    payload,        \* of each slot, the event whose payload it has
    writer,         \* the writer's own variables
    reader,         \* each reader's own variables
    ending,         \* of each reader, the cursor at which a thread is ending its registration; or Out
    got             \* a history: what each reader got last

vars == <<writeCursor, gating, lowWaterMark, registration, lap, payload, writer, reader, ending, got>>

Reader == 1 .. Readers
Position == 0 .. Capacity - 1
Max(m, n) == IF m > n THEN m ELSE n
Min(m, n) == IF m < n THEN m ELSE n

(* ring.h:lap_of: even laps have the bit, so that a slot of zeros holds no event [ORDER-17]. *)
LapOf(cursor) == IF (cursor \div Capacity) % 2 = 0 THEN 1 ELSE 0

Registered(state, cursor) == [state |-> state, cursor |-> cursor]
FreeRegistration == Registered("FREE", 0)
IsActive(r) == registration[r].state = "ACTIVE"
Active == {r \in Reader : IsActive(r)}

(* reader_registrations.c:least_cursor *)
Least == CHOOSE c \in {registration[r].cursor : r \in Active} : \A r \in Active : c <= registration[r].cursor

(* reader_registrations.c:oldest_event [RING-17] *)
OldestEvent ==
    IF Active # {} THEN Least
    ELSE IF gating > lowWaterMark + Capacity THEN gating - Capacity ELSE lowWaterMark

Init ==
    /\ writeCursor = 0 /\ gating = 0 /\ lowWaterMark = 0
    /\ registration = [r \in Reader |-> FreeRegistration]
    /\ lap = [p \in Position |-> 0]
    /\ payload = [p \in Position |-> Out]
    /\ writer = [at |-> "ready", cursor |-> 0, gating |-> 0, scanned |-> 0, slowest |-> Out]
    /\ reader = [r \in Reader |-> [at |-> "out", cursor |-> 0, loaded |-> 0]]
    /\ ending = [r \in Reader |-> Out]
    /\ got = [r \in Reader |-> Out]

----------------------------------------------------------------------------
(* The writer. *)
ofReaders == <<lowWaterMark, reader, ending, got>>

(* writer.c:add_slow_path, add_at_gating_sequence: raise the gating sequence, if it is reached. *)
BeginAdd ==
    /\ writer.at = "ready" /\ writer.cursor < Events
    /\ writer' = IF writer.gating > writer.cursor THEN [writer EXCEPT !.at = "write"]
                 ELSE [writer EXCEPT !.at = "scan", !.scanned = 0, !.slowest = Out]
    /\ UNCHANGED <<writeCursor, gating, registration, lap, payload, ofReaders>>

(* reader_registrations.c:slowest_reader, one registration: a joining reader that is not too late is admitted, and counts. *)
Admitted(w) ==
    IF w.state = "JOINING" /\ writer.cursor <= w.cursor + Capacity THEN Registered("ACTIVE", w.cursor) ELSE w

ScanOne ==
    /\ writer.at \in {"scan", "scan again"} /\ writer.scanned < Readers
    /\ LET r == writer.scanned + 1
           w == Admitted(registration[r])
       IN /\ registration' = [registration EXCEPT ![r] = w]
          /\ writer' = [writer EXCEPT !.scanned = r,
                                      !.slowest = IF w.state # "ACTIVE" THEN @ ELSE IF @ = Out THEN w.cursor ELSE Min(@, w.cursor)]
    /\ UNCHANGED <<writeCursor, gating, lap, payload, ofReaders>>

(* After the first scan: how far the writer would go. *)
Target == IF writer.slowest = Out THEN writer.cursor + 1 ELSE writer.slowest + Capacity

(* The writer may write up to `target`; writer.c:full if that is no event. *)
Decided(target) ==
    [writer EXCEPT !.at = IF target > writer.cursor THEN "write" ELSE "ready", !.gating = target]

(* writer.c:raise_gating_sequence: the store, and after its fence a second scan [ORDER-10]; or a lower one. *)
AfterScan ==
    /\ writer.at = "scan" /\ writer.scanned = Readers
    /\ gating' = Target
    /\ writer' = IF Target > gating THEN [writer EXCEPT !.at = "scan again", !.scanned = 0, !.slowest = Out]
                 ELSE Decided(Target)
    /\ UNCHANGED <<writeCursor, registration, lap, payload, ofReaders>>

(* writer.c:raise_gating_sequence: a reader that the second scan found may lower it. *)
AfterSecondScan ==
    /\ writer.at = "scan again" /\ writer.scanned = Readers
    /\ LET target == IF writer.slowest = Out THEN gating ELSE Min(gating, writer.slowest + Capacity)
       IN gating' = target /\ writer' = Decided(target)
    /\ UNCHANGED <<writeCursor, registration, lap, payload, ofReaders>>

(* ring.h:payload_store *)
WritePayload ==
    /\ writer.at = "write"
    /\ payload' = [payload EXCEPT ![writer.cursor % Capacity] = writer.cursor]
    /\ writer' = [writer EXCEPT !.at = "describe"]
    /\ UNCHANGED <<writeCursor, gating, registration, lap, ofReaders>>

(* ring.h:event_descriptor_store: this publishes the event [RING-5] [ORDER-17]. *)
StoreDescriptor ==
    /\ writer.at = "describe"
    /\ lap' = [lap EXCEPT ![writer.cursor % Capacity] = LapOf(writer.cursor)]
    /\ writer' = [writer EXCEPT !.at = "count"]
    /\ UNCHANGED <<writeCursor, gating, registration, payload, ofReaders>>

(* writer.c:publish [RING-1] [ORDER-23] *)
StoreCursor ==
    /\ writer.at = "count"
    /\ writeCursor' = writer.cursor + 1
    /\ writer' = [writer EXCEPT !.at = "ready", !.cursor = @ + 1]
    /\ UNCHANGED <<gating, registration, lap, payload, ofReaders>>

Write == BeginAdd \/ ScanOne \/ AfterScan \/ AfterSecondScan \/ WritePayload \/ StoreDescriptor \/ StoreCursor

----------------------------------------------------------------------------
(* A reader. *)
ofWriter == <<writeCursor, gating, lap, payload, writer>>
Go(r, label) == reader' = [reader EXCEPT ![r].at = label]

(* reader.c:rr_reader_join: the cursor to begin at [RING-16]. *)
Join(r) ==
    /\ reader[r].at = "out" /\ registration[r].state = "FREE" /\ ending[r] = Out
    /\ \E c \in {OldestEvent, writeCursor} : reader' = [reader EXCEPT ![r] = [at |-> "take", cursor |-> c, loaded |-> 0]]
    /\ UNCHANGED <<ofWriter, registration, lowWaterMark, ending, got>>

(* reader_registrations.c:register_reader, the compare-exchange of a free registration. *)
TakeRegistration(r) ==
    /\ reader[r].at = "take"
    /\ registration' = [registration EXCEPT ![r] = Registered("JOINING", reader[r].cursor)]
    /\ Go(r, "load")
    /\ UNCHANGED <<ofWriter, lowWaterMark, ending, got>>

(* reader_registrations.c:register_reader, the load after the fence [ORDER-10]. *)
LoadGating(r) ==
    /\ reader[r].at = "load"
    /\ reader' = [reader EXCEPT ![r].at = "decide", ![r].loaded = gating]
    /\ UNCHANGED <<ofWriter, registration, lowWaterMark, ending, got>>

(* reader_registrations.c:register_reader, the compare-exchange: unless the writer has admitted the reader at its cursor, it is
   active there, or it is too late and moves up. *)
IsLate(r) == reader[r].loaded > reader[r].cursor + Capacity

Decide(r) ==
    /\ reader[r].at = "decide"
    /\ IF registration[r].state # "JOINING" THEN Go(r, "in") /\ UNCHANGED registration
       ELSE IF IsLate(r)
       THEN LET moved == reader[r].loaded - Capacity IN
            /\ reader' = [reader EXCEPT ![r].at = "load", ![r].cursor = moved]
            /\ registration' = [registration EXCEPT ![r] = Registered("JOINING", moved)]
       ELSE Go(r, "in") /\ registration' = [registration EXCEPT ![r] = Registered("ACTIVE", reader[r].cursor)]
    /\ UNCHANGED <<ofWriter, lowWaterMark, ending, got>>

(* delivery.c:look_at_next: the lap bit tells the reader's event from that of the lap before [ORDER-17]. *)
HasEvent(r) == lap[reader[r].cursor % Capacity] = LapOf(reader[r].cursor)

Look(r) ==
    /\ reader[r].at = "in" /\ HasEvent(r)
    /\ Go(r, "copy")
    /\ UNCHANGED <<ofWriter, registration, lowWaterMark, ending, got>>

(* delivery.c:empty: no event, and the reader is registered no more [RING-20]. *)
LookEnded(r) ==
    /\ reader[r].at = "in" /\ ~HasEvent(r) /\ ~IsActive(r)
    /\ Go(r, "out")
    /\ UNCHANGED <<ofWriter, registration, lowWaterMark, ending, got>>

(* ring.h:payload_load *)
Copy(r) ==
    /\ reader[r].at = "copy"
    /\ reader' = [reader EXCEPT ![r].at = "move", ![r].loaded = payload[reader[r].cursor % Capacity]]
    /\ UNCHANGED <<ofWriter, registration, lowWaterMark, ending, got>>

(* delivery.c:move_on: the compare-exchange delivers, unless the reader was evicted [ORDER-8] [RING-20]. *)
MoveOn(r) ==
    /\ reader[r].at = "move"
    /\ IF IsActive(r)
       THEN /\ registration' = [registration EXCEPT ![r].cursor = @ + 1]
            /\ reader' = [reader EXCEPT ![r].at = "in", ![r].cursor = @ + 1, ![r].loaded = 0]
            /\ got' = [got EXCEPT ![r] = reader[r].loaded]
       ELSE Go(r, "out") /\ UNCHANGED <<registration, got>>
    /\ UNCHANGED <<ofWriter, lowWaterMark, ending>>

(* reader_registrations.c:deregister, by the reader itself or by a thread that evicts it: the low-water mark first [RING-17]. *)
BeginEnd(r) ==
    /\ IsActive(r) /\ ending[r] = Out /\ reader[r].at \in {"in", "copy", "move"}
    /\ lowWaterMark' = Max(lowWaterMark, Least)
    /\ ending' = [ending EXCEPT ![r] = registration[r].cursor]
    /\ UNCHANGED <<ofWriter, registration, reader, got>>

(* reader_registrations.c:deregister, the compare-exchange; it begins again if the reader has moved on [RING-19] [RING-20]. *)
End(r) ==
    /\ ending[r] # Out
    /\ registration' = [registration EXCEPT ![r] = IF @.cursor = ending[r] THEN FreeRegistration ELSE @]
    /\ ending' = [ending EXCEPT ![r] = Out]
    /\ UNCHANGED <<ofWriter, lowWaterMark, reader, got>>

Read(r) ==
    \/ Join(r) \/ TakeRegistration(r) \/ LoadGating(r) \/ Decide(r)
    \/ Look(r) \/ LookEnded(r) \/ Copy(r) \/ MoveOn(r) \/ BeginEnd(r) \/ End(r)

Next == Write \/ \E r \in Reader : Read(r)

Spec == Init /\ [][Next]_vars

----------------------------------------------------------------------------
(* What the ring means.  An event is there as soon as its descriptor is. *)
Meaning == INSTANCE Queue WITH
    count <- writer.cursor + (IF writer.at = "count" THEN 1 ELSE 0),
    position <- [r \in Reader |-> IF IsActive(r) THEN registration[r].cursor ELSE Out]

MeansQueue == Meaning!Spec

(* [RING-14] [RING-15] [RING-80]: the writer is in no slot that a registered reader has still to read. *)
NothingIsOverwritten ==
    writer.at \in {"write", "describe"} =>
        \A r \in Active : writer.cursor < registration[r].cursor + Capacity

(* [RING-5] [RING-13]: a registered reader has copied its own event. *)
CopiesAreRight ==
    \A r \in Active : reader[r].at = "move" => reader[r].loaded = reader[r].cursor
=============================================================================
