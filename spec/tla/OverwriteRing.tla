--------------------------- MODULE OverwriteRing ---------------------------
(***************************************************************************)
(* An overwriting ring: the writer announces a sequence, writes the        *)
(* payload, and publishes; a reader copies an event and checks afterwards  *)
(* that the writer did not take its slot meanwhile [ORDER-9].              *)
(*                                                                         *)
(* The writer's stores wait in store buffers, which are committed in any   *)
(* order.  A payload has two halves, so that it can be torn.  Left out:    *)
(* event descriptors (a part of the payload here), batches, skips, and     *)
(* readers that begin later.                                               *)
(***************************************************************************)
EXTENDS Buffers

CONSTANTS
    Writer, Reader,
    Capacity,
    Events    \* events that the writer adds

VARIABLES
    at,       \* where the writer is, and the reader
    cursor,   \* the next event of the writer, and of the reader
    copied,   \* the two halves that the reader has copied
    skipped,  \* events that the reader has lost
    delivered \* a history: what the reader got last, or <<>>

vars == <<memory, buffer, at, cursor, copied, skipped, delivered>>

Half == {"first", "second"}
ASSUME Thread = {Writer, Reader}

(* The value of Location, for configurations. *)
Locations == {<<"write cursor">>, <<"claim">>} \cup ((0 .. Capacity - 1) \X Half)

Go(t, label) == at' = [at EXCEPT ![t] = label]
Slot(t) == cursor[t] % Capacity

Init ==
    /\ InitMemory
    /\ at = [t \in Thread |-> "ready"]
    /\ cursor = [t \in Thread |-> 0]
    /\ copied = <<0, 0>> /\ skipped = 0 /\ delivered = <<>>

ofReader == <<copied, skipped, delivered>>

(* writer.c:announce [RING-10] *)
Announce ==
    /\ at[Writer] = "ready" /\ cursor[Writer] < Events
    /\ Store(Writer, <<"claim">>, cursor[Writer] + 1)
    /\ Go(Writer, "fence")
    /\ UNCHANGED <<cursor, ofReader>>

(* writer.c:announce, the release fence [ORDER-9]. *)
ReleaseFence ==
    /\ at[Writer] = "fence"
    /\ Fence(Writer)
    /\ Go(Writer, "first")
    /\ UNCHANGED <<cursor, ofReader>>

(* ring.h:payload_store; the event with sequence number s has the payload s + 1 in both halves. *)
WriteHalf(half, label) ==
    /\ at[Writer] = half
    /\ Store(Writer, <<Slot(Writer), half>>, cursor[Writer] + 1)
    /\ Go(Writer, label)
    /\ UNCHANGED <<cursor, ofReader>>

(* writer.c:publish, a release store [ORDER-7] [RING-5]. *)
Publish ==
    /\ at[Writer] = "publish"
    /\ Exchange(Writer, <<"write cursor">>, cursor[Writer] + 1)
    /\ cursor' = [cursor EXCEPT ![Writer] = @ + 1]
    /\ Go(Writer, "ready")
    /\ UNCHANGED ofReader

----------------------------------------------------------------------------
(* delivery.c:ready *)
Look ==
    /\ at[Reader] = "ready"
    /\ Load(Reader, <<"write cursor">>) > cursor[Reader]
    /\ Go(Reader, "first")
    /\ UNCHANGED <<memory, buffer, cursor, ofReader>>

(* ring.h:payload_load *)
CopyHalf(half, number, label) ==
    /\ at[Reader] = half
    /\ copied' = [copied EXCEPT ![number] = Load(Reader, <<Slot(Reader), half>>)]
    /\ Go(Reader, label)
    /\ UNCHANGED <<memory, buffer, cursor, skipped, delivered>>

(* delivery.c:is_intact [ORDER-9] *)
IsIntact == Load(Reader, <<"claim">>) <= cursor[Reader] + Capacity

(* delivery.c:next_of, and delivery.c:lagged: on to the oldest event retained [RING-11] [RING-13]. *)
Check ==
    /\ at[Reader] = "check"
    /\ IF IsIntact
       THEN /\ delivered' = <<cursor[Reader], copied[1], copied[2]>>
            /\ cursor' = [cursor EXCEPT ![Reader] = @ + 1]
            /\ UNCHANGED skipped
       ELSE LET oldest == Load(Reader, <<"claim">>) - Capacity IN
            /\ skipped' = skipped + (oldest - cursor[Reader])
            /\ cursor' = [cursor EXCEPT ![Reader] = oldest]
            /\ UNCHANGED delivered
    /\ copied' = <<0, 0>>
    /\ Go(Reader, "ready")
    /\ UNCHANGED <<memory, buffer>>

Drain(x) == Commit(Writer, x) /\ UNCHANGED <<at, cursor, ofReader>>

Next ==
    \/ Announce \/ ReleaseFence \/ WriteHalf("first", "second") \/ WriteHalf("second", "publish") \/ Publish
    \/ Look \/ CopyHalf("first", 1, "second") \/ CopyHalf("second", 2, "check") \/ Check
    \/ \E x \in Location : Drain(x)

Spec == Init /\ [][Next]_vars

----------------------------------------------------------------------------
(* [RING-5] [RING-13]: an event is delivered whole, and as the one that it is. *)
NoTear == delivered # <<>> => delivered[2] = delivered[1] + 1 /\ delivered[3] = delivered[1] + 1

(* [RING-11]: no more is skipped than the writer has taken. *)
SkipsWhatIsGone == skipped <= IF cursor[Writer] + 1 > Capacity THEN cursor[Writer] + 1 - Capacity ELSE 0

(* [RING-13]: nothing is delivered again, or out of order. *)
DeliversInOrder == [][delivered' # delivered /\ delivered # <<>> => delivered'[1] > delivered[1]]_vars
=============================================================================
