----------------------------- MODULE EventCount -----------------------------
(***************************************************************************)
(* Waiting for an event and waking up, as native/src/event_count.c does    *)
(* it, with store buffers: the writer publishes by a plain store and looks *)
(* for waiting threads without a fence; a waiting thread pays for the      *)
(* fence of all threads [ORDER-15].                                        *)
(*                                                                         *)
(* Location "published" is what the threads wait for, "waiters" and        *)
(* "epoch" are the words of struct event_count.  Left out: notifiers,      *)
(* deadlines and signals, and systems without a fence of all threads.      *)
(***************************************************************************)
EXTENDS Buffers

CONSTANTS
    Waiting,  \* the threads that wait
    Writer,   \* the thread that publishes
    Events    \* how many events it publishes

VARIABLES
    at,    \* where each thread is
    seen,  \* of each waiting thread: the epoch that it loaded
    next   \* of each waiting thread: the event that it waits for, counted from 1

vars == <<memory, buffer, at, seen, next>>

ASSUME Thread = Waiting \cup {Writer} /\ Location = {"published", "waiters", "epoch"}

Go(t, label) == at' = [at EXCEPT ![t] = label]
Published(t) == Load(t, "published") >= next[t]

Init ==
    /\ InitMemory
    /\ at = [t \in Thread |-> IF t = Writer THEN "ready" ELSE "look"]
    /\ seen = [t \in Waiting |-> 0]
    /\ next = [t \in Waiting |-> 1]

----------------------------------------------------------------------------
(* event_count.c:event_count_wait, the look: the thread takes the event, or prepares to wait. *)
TakeOr(t, label) ==
    IF Published(t)
    THEN /\ next' = [next EXCEPT ![t] = @ + 1]
         /\ Go(t, IF next[t] = Events THEN "done" ELSE "look")
    ELSE Go(t, label) /\ UNCHANGED next

Look(t) ==
    /\ at[t] = "look"
    /\ TakeOr(t, "begin")
    /\ UNCHANGED <<memory, buffer, seen>>

(* event_count.c:wait_begin: the epoch first [ORDER-16]. *)
LoadEpoch(t) ==
    /\ at[t] = "begin"
    /\ seen' = [seen EXCEPT ![t] = Load(t, "epoch")]
    /\ Go(t, "announce")
    /\ UNCHANGED <<memory, buffer, next>>

(* event_count.c:prepare_wait: the announcement [ORDER-16]. *)
Announce(t) ==
    /\ at[t] = "announce"
    /\ Exchange(t, "waiters", 1)
    /\ Go(t, "fence")
    /\ UNCHANGED <<seen, next>>

(* event_count.c:prepare_wait: fence_all_threads [ORDER-15]. *)
FenceAll(t) ==
    /\ at[t] = "fence"
    /\ HeavyFence
    /\ Go(t, "recheck")
    /\ UNCHANGED <<seen, next>>

(* event_count.c:event_count_wait, the second look. *)
Recheck(t) ==
    /\ at[t] = "recheck"
    /\ TakeOr(t, "sleep")
    /\ UNCHANGED <<memory, buffer, seen>>

(* event_count.c:sleep_on: the kernel compares the epoch and lets the thread sleep, in one step.  No wake-up is spurious. *)
Sleep(t) ==
    /\ at[t] = "sleep"
    /\ Go(t, IF memory["epoch"] = seen[t] THEN "asleep" ELSE "look")
    /\ UNCHANGED <<memory, buffer, seen, next>>

----------------------------------------------------------------------------
(* writer.c:publish *)
Publish ==
    /\ at[Writer] = "ready"
    /\ Load(Writer, "published") < Events
    /\ Store(Writer, "published", Load(Writer, "published") + 1)
    /\ Go(Writer, "check")
    /\ UNCHANGED <<seen, next>>

(* event_count.h:may_have_waiters, and event_count.c:event_count_has_waiters with the fence of a call that found some [ORDER-15]. *)
Check ==
    /\ at[Writer] = "check"
    /\ Go(Writer, IF Load(Writer, "waiters") = 0 THEN "ready" ELSE "withdraw")
    /\ UNCHANGED <<memory, buffer, seen, next>>

(* event_count.c:event_count_notify_all: the announcements of all are withdrawn [ORDER-16]. *)
Withdraw ==
    /\ at[Writer] = "withdraw"
    /\ Exchange(Writer, "waiters", 0)
    /\ Go(Writer, "increment")
    /\ UNCHANGED <<seen, next>>

(* event_count.c:event_count_notify_all *)
Increment ==
    /\ at[Writer] = "increment"
    /\ Exchange(Writer, "epoch", memory["epoch"] + 1)
    /\ Go(Writer, "wake")
    /\ UNCHANGED <<seen, next>>

(* event_count.c:futex_wake_all *)
Wake ==
    /\ at[Writer] = "wake"
    /\ at' = [t \in Thread |-> IF t = Writer THEN "ready" ELSE IF at[t] = "asleep" THEN "look" ELSE at[t]]
    /\ UNCHANGED <<memory, buffer, seen, next>>

----------------------------------------------------------------------------
Wait(t) == Look(t) \/ LoadEpoch(t) \/ Announce(t) \/ FenceAll(t) \/ Recheck(t) \/ Sleep(t)
Write == Publish \/ Check \/ Withdraw \/ Increment \/ Wake
Drain(t, x) == Commit(t, x) /\ UNCHANGED <<at, seen, next>>

Next == (\E t \in Waiting : Wait(t)) \/ Write \/ \E t \in Thread, x \in Location : Drain(t, x)

Spec ==
    /\ Init /\ [][Next]_vars
    /\ WF_vars(Write)
    /\ \A t \in Waiting : WF_vars(Wait(t))
    /\ \A t \in Thread, x \in Location : WF_vars(Drain(t, x))

(* [RING-32]: no thread sleeps for ever although its event is published.  All the writer's stores are visible, and it is through. *)
NoWakeUpIsLost ==
    \A t \in Waiting : at[t] = "asleep" /\ at[Writer] = "ready" /\ Empty(Writer) => memory["published"] < next[t]

(* [RING-31] [RING-32]: every waiting thread gets every event. *)
EveryWaitEnds == \A t \in Waiting : <>(at[t] = "done")
=============================================================================
