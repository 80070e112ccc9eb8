------------------------------- MODULE Slots -------------------------------
(***************************************************************************)
(* What a pool's slots, pointers, tokens and loans mean: every call that   *)
(* succeeds is one step.  The module Pool, which takes the steps of the C  *)
(* core, refines this one.                                                 *)
(*                                                                         *)
(* Chapters SLOT, PTR, WEAK and LOAN.  A call that fails changes nothing,  *)
(* and is no step.  Payloads are left out.                                 *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Thread,         \* threads of the program
    Slot,           \* slots of one pool
    RefBits,        \* R: the width of the count [PARAM-2]
    GenerationBits  \* G: the width of the generation

VARIABLES
    word,      \* of each slot: state, count and generation, one word [SLOT-1]
    held,      \* how many references to each slot each thread's pointers hold
    detached,  \* how many detached references each slot has [PTR-11]
    lent       \* the slots that each thread has on loan

vars == <<word, held, detached, lent>>

MaxCount == 2 ^ RefBits - 1
Generation == 0 .. 2 ^ GenerationBits - 1
Following(g) == (g + 1) % 2 ^ GenerationBits

Free(g) == [state |-> "FREE", count |-> 0, generation |-> g]
Live(g, n) == [state |-> "LIVE", count |-> n, generation |-> g]
Loaned(g) == [state |-> "LOANED", count |-> 0, generation |-> g]

IsLive(s) == word[s].state = "LIVE"
IsLiveWith(s, g) == IsLive(s) /\ word[s].generation = g

(* What a word becomes when one reference ends [SLOT-11] [SLOT-12]. *)
Dropped(w) == IF w.count = 1 THEN Free(Following(w.generation))
                             ELSE Live(w.generation, w.count - 1)

RECURSIVE Sum(_, _)
Sum(f, S) == IF S = {} THEN 0 ELSE LET x == CHOOSE x \in S : TRUE IN f[x] + Sum(f, S \ {x})

References(s) == Sum([t \in Thread |-> held[t][s]], Thread) + detached[s]

----------------------------------------------------------------------------
Init ==                                                         \* [SLOT-4]
    /\ word = [s \in Slot |-> Free(0)]
    /\ held = [t \in Thread |-> [s \in Slot |-> 0]]
    /\ detached = [s \in Slot |-> 0]
    /\ lent = [t \in Thread |-> {}]

Allocate(t, s) ==                                     \* [SLOT-5] [ALLOC-2]
    /\ word[s].state = "FREE"
    /\ word' = [word EXCEPT ![s] = Live(@.generation, 1)]
    /\ held' = [held EXCEPT ![t][s] = 1]
    /\ UNCHANGED <<detached, lent>>

AllocateDetached(s) ==                                 \* [ALLOC-21] [PTR-11]
    /\ word[s].state = "FREE"
    /\ word' = [word EXCEPT ![s] = Live(@.generation, 1)]
    /\ detached' = [detached EXCEPT ![s] = 1]
    /\ UNCHANGED <<held, lent>>

Loan(t, s) ==                                                   \* [SLOT-6]
    /\ word[s].state = "FREE"
    /\ word' = [word EXCEPT ![s] = Loaned(@.generation)]
    /\ lent' = [lent EXCEPT ![t] = @ \cup {s}]
    /\ UNCHANGED <<held, detached>>

Commit(t, s) ==                                        \* [SLOT-7] [LOAN-3]
    /\ s \in lent[t]
    /\ word' = [word EXCEPT ![s] = Live(@.generation, 1)]
    /\ lent' = [lent EXCEPT ![t] = @ \ {s}]
    /\ held' = [held EXCEPT ![t][s] = 1]
    /\ UNCHANGED detached

Abort(t, s) ==                                         \* [SLOT-8] [LOAN-5]
    /\ s \in lent[t]
    /\ word' = [word EXCEPT ![s] = Free(Following(@.generation))]
    /\ lent' = [lent EXCEPT ![t] = @ \ {s}]
    /\ UNCHANGED <<held, detached>>

AddReference(t, s) ==                                \* [SLOT-9] [SLOT-10]
    /\ word[s].count < MaxCount
    /\ word' = [word EXCEPT ![s].count = @ + 1]
    /\ held' = [held EXCEPT ![t][s] = @ + 1]
    /\ UNCHANGED <<detached, lent>>

Clone(t, s) ==                                                   \* [PTR-2]
    held[t][s] > 0 /\ AddReference(t, s)

Upgrade(t, s, g) ==                                    \* [WEAK-2] [WEAK-3]
    IsLiveWith(s, g) /\ AddReference(t, s)

Drop(t, s) ==                                \* [SLOT-11] [SLOT-12] [PTR-3]
    /\ held[t][s] > 0
    /\ word' = [word EXCEPT ![s] = Dropped(@)]
    /\ held' = [held EXCEPT ![t][s] = @ - 1]
    /\ UNCHANGED <<detached, lent>>

IntoToken(t, s) ==                                              \* [PTR-12]
    /\ held[t][s] > 0
    /\ held' = [held EXCEPT ![t][s] = @ - 1]
    /\ detached' = [detached EXCEPT ![s] = @ + 1]
    /\ UNCHANGED <<word, lent>>

FromToken(t, s, g) ==                         \* [PTR-13] [PTR-14] [PTR-15]
    /\ IsLiveWith(s, g)
    /\ detached[s] > 0
    /\ detached' = [detached EXCEPT ![s] = @ - 1]
    /\ held' = [held EXCEPT ![t][s] = @ + 1]
    /\ UNCHANGED <<word, lent>>

Next ==
    \E s \in Slot :
        \/ AllocateDetached(s)
        \/ \E t \in Thread :
            \/ Allocate(t, s) \/ Loan(t, s) \/ Commit(t, s) \/ Abort(t, s)
            \/ Clone(t, s) \/ Drop(t, s) \/ IntoToken(t, s)
            \/ \E g \in Generation : Upgrade(t, s, g) \/ FromToken(t, s, g)

Spec == Init /\ [][Next]_vars

----------------------------------------------------------------------------
(* Invariants. *)

TypeOK ==
    /\ word \in [Slot -> [state : {"FREE", "LIVE", "LOANED"}, count : 0 .. MaxCount, generation : Generation]]
    /\ held \in [Thread -> [Slot -> 0 .. MaxCount]]
    /\ detached \in [Slot -> 0 .. MaxCount]
    /\ lent \in [Thread -> SUBSET Slot]

(* [SLOT-3] *)
CountAgreesWithState ==
    \A s \in Slot : IF IsLive(s) THEN word[s].count \in 1 .. MaxCount ELSE word[s].count = 0

(* [PTR-11]: a reference is a pointer's, or it is detached. *)
CountIsTheReferences ==
    \A s \in Slot : word[s].count = References(s)

(* [PTR-1], the first half: the slot stays LIVE. *)
StrongReferenceKeepsTheSlotLive ==
    \A t \in Thread, s \in Slot : held[t][s] > 0 => IsLive(s)

(* [LOAN-1]: nobody else has the slot. *)
LoanIsExclusive ==
    \A t \in Thread : \A s \in lent[t] :
        /\ word[s].state = "LOANED"
        /\ \A u \in Thread : held[u][s] = 0 /\ (u # t => s \notin lent[u])

(* What a step does. *)

(* [PTR-1], the second half: the slot keeps the pointer's generation. *)
StrongReferenceKeepsTheGeneration ==
    [][\A t \in Thread, s \in Slot :
        held[t][s] > 0 /\ held'[t][s] > 0 => word'[s].generation = word[s].generation]_vars

(* The diagram of chapter SLOT: [SLOT-5] to [SLOT-9], [SLOT-11], [SLOT-12]. *)
Arrow(v, w) ==
    LET g == v.generation n == v.count IN
    CASE v.state = "FREE"   -> w \in {Live(g, 1), Loaned(g)}
      [] v.state = "LOANED" -> w \in {Live(g, 1), Free(Following(g))}
      [] v.state = "LIVE"   -> w = Dropped(v) \/ (n < MaxCount /\ w = Live(g, n + 1))

WordsFollowTheArrows ==
    [][\A s \in Slot : word'[s] # word[s] => Arrow(word[s], word'[s])]_vars
=============================================================================
