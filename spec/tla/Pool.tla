-------------------------------- MODULE Pool --------------------------------
(***************************************************************************)
(* A pool as the C core has it: the slot words, the words of the detached  *)
(* references, and the free bits.  An action is one atomic step of the     *)
(* core, and names its function in native/src.                             *)
(*                                                                         *)
(* A compare-exchange that fails and is repeated is no step: a loop that   *)
(* loads a word and changes it by a compare-exchange is one step, unless   *)
(* the core uses what it loaded for more than that.                        *)
(*                                                                         *)
(* The calls of two parts need no actions of their own: inc_ref_count is   *)
(* Upgrade and then IntoToken, dec_ref_count and drop_many are FromToken   *)
(* and then Drop, the constructor RingPtr(...) is FromToken.               *)
(*                                                                         *)
(* Left out: payloads, XXL blocks, the search for a free bit (FreeList),   *)
(* and memory orders: threads take turns [ORDER-2] to [ORDER-6].           *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS Thread, Slot, RefBits, GenerationBits, Idle

VARIABLES
    word,          \* slot_line.word of each slot [SLOT-2]
    detachedWord,  \* slot_line.detached: a count, and the generation that it belongs to [PTR-11]
    freeBits,      \* the slots whose bits are set in slot_line.free_bits
    at,            \* where each thread is in its call: a label, the slot, and what it has loaded
    held,          \* references of the pointers that each thread has
    lent,          \* slots that each thread has on loan
    noneLeft       \* a history: threads in from_token whose slot, at a moment of the call, had no detached reference left

vars == <<word, detachedWord, freeBits, at, held, lent, noneLeft>>

MaxCount == 2 ^ RefBits - 1
Generation == 0 .. 2 ^ GenerationBits - 1

(* slot.h:next_generation *)
NextGeneration(g) == (g + 1) % 2 ^ GenerationBits

(* slot.h:word_of *)
Free(g) == [state |-> "FREE", count |-> 0, generation |-> g]
Live(g, n) == [state |-> "LIVE", count |-> n, generation |-> g]
Loaned(g) == [state |-> "LOANED", count |-> 0, generation |-> g]

(* slot.h:is_live_as [SLOT-2] *)
IsLiveAs(w, g) == w.count # 0 /\ w.generation = g

(* slot.h:canonical_word [SLOT-12] *)
Canonical(w) == IF w.state = "LIVE" /\ w.count = 0 THEN Free((w.generation + 1) % 2 ^ GenerationBits) ELSE w

(* The check of slot_clone and slot_upgrade [SLOT-10]. *)
MayCount(w) == w.count < MaxCount

IsIdle(t) == at[t] = Idle
IsAt(t, label) == at[t] # Idle /\ at[t].label = label
Go(t, label, s) == at' = [at EXCEPT ![t] = [label |-> label, slot |-> s]]
Return(t) == at' = [at EXCEPT ![t] = Idle]

(* references.c:add_detached *)
WithOneMore(d, g) == IF d.generation = g THEN [d EXCEPT !.count = @ + 1] ELSE [count |-> 1, generation |-> g]

----------------------------------------------------------------------------
(* Allocation. *)

(* free_list.c:claim_in_word, allocate.c:allocate_next_fit: the bit is cleared [ALLOC-2] [ORDER-2]. *)
Claim(t, s) ==
    /\ IsIdle(t) /\ s \in freeBits
    /\ freeBits' = freeBits \ {s}
    /\ Go(t, "claimed", s)
    /\ UNCHANGED <<word, detachedWord, held, lent>>

(* allocate.h:slot_publish: the store that makes the slot LIVE [SLOT-5] [ORDER-3]. *)
Publish(t) ==
    /\ IsAt(t, "claimed")
    /\ LET s == at[t].slot IN
        /\ word' = [word EXCEPT ![s] = Live(@.generation, 1)]
        /\ held' = [held EXCEPT ![t][s] = 1]
    /\ Return(t)
    /\ UNCHANGED <<detachedWord, freeBits, lent>>

(* allocate.h:slot_publish, for allocate_many and the like: the detached reference comes first [PTR-11] [ORDER-12]. *)
CountDetached(t) ==
    /\ IsAt(t, "claimed")
    /\ LET s == at[t].slot IN
        /\ detachedWord' = [detachedWord EXCEPT ![s] = [count |-> 1, generation |-> word[s].generation]]
        /\ Go(t, "counted", s)
    /\ UNCHANGED <<word, freeBits, held, lent>>

(* allocate.h:slot_publish: then the slot becomes LIVE [ALLOC-21] [ALLOC-22]. *)
PublishDetached(t) ==
    /\ IsAt(t, "counted")
    /\ LET s == at[t].slot IN word' = [word EXCEPT ![s] = Live(@.generation, 1)]
    /\ Return(t)
    /\ UNCHANGED <<detachedWord, freeBits, held, lent>>

(* bulk.c:rr_allocate_many: a batch that fails returns what it took, as if it had not taken it [ALLOC-14]. *)
GiveUp(t) ==
    /\ IsAt(t, "claimed")
    /\ freeBits' = freeBits \cup {at[t].slot}
    /\ Return(t)
    /\ UNCHANGED <<word, detachedWord, held, lent>>

(* loans.c:rr_loan [SLOT-6] [LOAN-1] *)
Lend(t) ==
    /\ IsAt(t, "claimed")
    /\ LET s == at[t].slot IN
        /\ word' = [word EXCEPT ![s] = Loaned(@.generation)]
        /\ lent' = [lent EXCEPT ![t] = @ \cup {s}]
    /\ Return(t)
    /\ UNCHANGED <<detachedWord, freeBits, held>>

(* loans.c:rr_commit [SLOT-7] [LOAN-3] *)
Commit(t, s) ==
    /\ IsIdle(t) /\ s \in lent[t]
    /\ word' = [word EXCEPT ![s] = Live(@.generation, 1)]
    /\ held' = [held EXCEPT ![t][s] = 1]
    /\ lent' = [lent EXCEPT ![t] = @ \ {s}]
    /\ UNCHANGED <<detachedWord, freeBits, at>>

(* loans.c:rr_abort: FREE first, then the bit [SLOT-8] [LOAN-5]. *)
Abort(t, s) ==
    /\ IsIdle(t) /\ s \in lent[t]
    /\ word' = [word EXCEPT ![s] = Free(NextGeneration(@.generation))]
    /\ lent' = [lent EXCEPT ![t] = @ \ {s}]
    /\ Go(t, "freed", s)
    /\ UNCHANGED <<detachedWord, freeBits, held>>

----------------------------------------------------------------------------
(* References. *)

(* references.c:slot_clone [PTR-2] [SLOT-9] [ORDER-4] *)
Clone(t, s) ==
    /\ IsIdle(t) /\ held[t][s] > 0
    /\ MayCount(word[s])
    /\ word' = [word EXCEPT ![s].count = @ + 1]
    /\ held' = [held EXCEPT ![t][s] = @ + 1]
    /\ UNCHANGED <<detachedWord, freeBits, at, lent>>

(* references.c:slot_upgrade: deciding and counting are one step [WEAK-2] [ORDER-6]. *)
Upgrade(t, s, g) ==
    /\ IsIdle(t) /\ IsLiveAs(word[s], g)
    /\ MayCount(word[s])
    /\ word' = [word EXCEPT ![s].count = @ + 1]
    /\ held' = [held EXCEPT ![t][s] = @ + 1]
    /\ UNCHANGED <<detachedWord, freeBits, at, lent>>

(* references.h:slot_unref: the subtraction; the thread that leaves 0 owns the slot [SLOT-11] [SLOT-12] [ORDER-5]. *)
Drop(t, s) ==
    /\ IsIdle(t) /\ held[t][s] > 0
    /\ word' = [word EXCEPT ![s].count = @ - 1]
    /\ held' = [held EXCEPT ![t][s] = @ - 1]
    /\ IF word[s].count = 1 THEN Go(t, "dropped", s) ELSE UNCHANGED at
    /\ UNCHANGED <<detachedWord, freeBits, lent>>

(* references.h:slot_unref: the last drop's thread stores FREE [SLOT-12]. *)
StoreFree(t) ==
    /\ IsAt(t, "dropped")
    /\ LET s == at[t].slot IN
        /\ word' = [word EXCEPT ![s] = Free(NextGeneration(@.generation))]
        /\ Go(t, "freed", s)
    /\ UNCHANGED <<detachedWord, freeBits, held, lent>>

(* free_list.h:free_list_release: and then returns the bit [ORDER-2]. *)
Release(t) ==
    /\ IsAt(t, "freed")
    /\ freeBits' = freeBits \cup {at[t].slot}
    /\ Return(t)
    /\ UNCHANGED <<word, detachedWord, held, lent>>

----------------------------------------------------------------------------
(* Detached references. *)

(* references.c:rr_into_token, add_detached [PTR-12] [ORDER-12] *)
IntoToken(t, s) ==
    /\ IsIdle(t) /\ held[t][s] > 0
    /\ detachedWord' = [detachedWord EXCEPT ![s] = WithOneMore(@, word[s].generation)]
    /\ held' = [held EXCEPT ![t][s] = @ - 1]
    /\ UNCHANGED <<word, freeBits, at, lent>>

(* references.c:take_detached, the loads of the two words. *)
Taking(t, label, s, g, d) == at' = [at EXCEPT ![t] = [label |-> label, slot |-> s, generation |-> g, loaded |-> d]]

FromToken(t, s, g) ==
    /\ IsIdle(t)
    /\ Taking(t, "look", s, g, detachedWord[s])
    /\ UNCHANGED <<word, detachedWord, freeBits, held, lent>>

LoadAgain(t) ==
    /\ IsAt(t, "take")
    /\ Taking(t, "look", at[t].slot, at[t].generation, detachedWord[at[t].slot])
    /\ UNCHANGED <<word, detachedWord, freeBits, held, lent>>

(* references.c:take_detached: the slot is not LIVE with the generation, and the token is stale [PTR-15]; or there is a detached
   reference to take; or perhaps none [PTR-14]. *)
Look(t) ==
    /\ IsAt(t, "look")
    /\ LET a == at[t] IN
        IF ~IsLiveAs(word[a.slot], a.generation) THEN Return(t)
        ELSE IF a.loaded.generation = a.generation /\ a.loaded.count # 0
             THEN Taking(t, "exchange", a.slot, a.generation, a.loaded)
             ELSE Taking(t, "recheck", a.slot, a.generation, a.loaded)
    /\ UNCHANGED <<word, detachedWord, freeBits, held, lent>>

(* references.c:take_detached, the compare-exchange.  If the slot is LIVE with the generation, the reference is the thread's from here
   on [PTR-13] [ORDER-12].  If the generation has gone round since Look, the slot may not be LIVE: then the reference is that of an
   unfinished allocation.  The thread cannot tell the two labels apart before it loads the word again. *)
Exchange(t) ==
    /\ IsAt(t, "exchange")
    /\ LET a == at[t] IN
        IF detachedWord[a.slot] = a.loaded
        THEN /\ detachedWord' = [detachedWord EXCEPT ![a.slot].count = @ - 1]
             /\ IF IsLiveAs(word[a.slot], a.generation)
                THEN Taking(t, "confirm", a.slot, a.generation, a.loaded) /\ held' = [held EXCEPT ![t][a.slot] = @ + 1]
                ELSE Taking(t, "doubt", a.slot, a.generation, a.loaded) /\ UNCHANGED held
        ELSE /\ Taking(t, "take", a.slot, a.generation, a.loaded)
             /\ UNCHANGED <<detachedWord, held>>
    /\ UNCHANGED <<word, freeBits, lent>>

(* references.c:take_detached, the load after the compare-exchange. *)
Confirm(t) ==
    /\ IsAt(t, "confirm") \/ IsAt(t, "doubt")
    /\ LET a == at[t]
           early == IF a.label = "doubt" THEN 1 ELSE 0
       IN IF IsLiveAs(word[a.slot], a.generation)
          THEN Return(t) /\ held' = [held EXCEPT ![t][a.slot] = @ + early]
          ELSE /\ Taking(t, "return", a.slot, a.generation, a.loaded)
               /\ held' = [held EXCEPT ![t][a.slot] = @ - (1 - early)]
    /\ UNCHANGED <<word, detachedWord, freeBits, lent>>

(* references.c:take_detached: it was not LIVE, and the allocation gets its reference back [PTR-15]. *)
ReturnDetached(t) ==
    /\ IsAt(t, "return")
    /\ detachedWord' = [detachedWord EXCEPT ![at[t].slot] = WithOneMore(@, at[t].generation)]
    /\ Return(t)
    /\ UNCHANGED <<word, freeBits, held, lent>>

(* references.c:take_detached: the word is unchanged, and the call raises RefCountUnderflow [PTR-14]. *)
Recheck(t) ==
    /\ IsAt(t, "recheck")
    /\ LET a == at[t] IN
        Taking(t, IF detachedWord[a.slot] = a.loaded THEN "underflow" ELSE "take", a.slot, a.generation, a.loaded)
    /\ UNCHANGED <<word, detachedWord, freeBits, held, lent>>

Underflow(t) ==
    /\ IsAt(t, "underflow")
    /\ Return(t)
    /\ UNCHANGED <<word, detachedWord, freeBits, held, lent>>

----------------------------------------------------------------------------
(* References that a thread has taken of an allocation that was not finished: they are in no word until it returns them. *)
HasAnothers(t, s) == (IsAt(t, "doubt") \/ IsAt(t, "return")) /\ at[t].slot = s

InTransit(s) == Cardinality({t \in Thread : HasAnothers(t, s) /\ at[t].generation = word[s].generation})

Detached(s) ==
    IF Canonical(word[s]).state # "LIVE" THEN 0
    ELSE InTransit(s) + IF detachedWord[s].generation = word[s].generation THEN detachedWord[s].count ELSE 0

IsTaking(t) == at[t] # Idle /\ at[t].label \in {"take", "look", "exchange", "recheck", "confirm", "doubt", "return", "underflow"}

(* The exception of [PTR-14]: while a thread has such a reference, which is 2^G frees after it looked, others do not find it. *)
Excused(s) == \E t \in Thread : HasAnothers(t, s)

NoneLeft(t) ==
    LET s == at[t].slot IN IsLiveAs(word[s], at[t].generation) /\ (Detached(s) = 0 \/ Excused(s))

NoteNoneLeft == noneLeft' = {t \in Thread : IsTaking(t)' /\ (NoneLeft(t)' \/ (IsTaking(t) /\ t \in noneLeft))}

Begin(t) ==
    \E s \in Slot :
        \/ Claim(t, s) \/ Commit(t, s) \/ Abort(t, s)
        \/ Clone(t, s) \/ Drop(t, s) \/ IntoToken(t, s)
        \/ \E g \in Generation : Upgrade(t, s, g) \/ FromToken(t, s, g)

Continue(t) ==
    \/ Publish(t) \/ CountDetached(t) \/ PublishDetached(t) \/ GiveUp(t) \/ Lend(t)
    \/ StoreFree(t) \/ Release(t)
    \/ LoadAgain(t) \/ Look(t) \/ Exchange(t) \/ Confirm(t) \/ ReturnDetached(t) \/ Recheck(t) \/ Underflow(t)

Init ==                                                         \* allocator.c:pool_create [SLOT-4]
    /\ word = [s \in Slot |-> Free(0)]
    /\ detachedWord = [s \in Slot |-> [count |-> 0, generation |-> 0]]
    /\ freeBits = Slot
    /\ at = [t \in Thread |-> Idle]
    /\ held = [t \in Thread |-> [s \in Slot |-> 0]]
    /\ lent = [t \in Thread |-> {}]
    /\ noneLeft = {}

Next == \E t \in Thread : (Begin(t) \/ Continue(t)) /\ NoteNoneLeft

Spec == Init /\ [][Next]_vars

(* A thread that has begun a call goes on; no thread has to begin one. *)
FairSpec == Spec /\ \A t \in Thread : WF_vars(Continue(t) /\ NoteNoneLeft)

----------------------------------------------------------------------------
(* What the pool means: the slots of module Slots. *)
Abstract == INSTANCE Slots WITH
    word <- [s \in Slot |-> Canonical(word[s])],
    detached <- [s \in Slot |-> Detached(s)]

MeansSlots == Abstract!Spec

CountAgreesWithState == Abstract!CountAgreesWithState                               \* [SLOT-3]
CountIsTheReferences == Abstract!CountIsTheReferences                               \* [PTR-11]
StrongReferenceKeepsTheSlotLive == Abstract!StrongReferenceKeepsTheSlotLive         \* [PTR-1]
StrongReferenceKeepsTheGeneration == Abstract!StrongReferenceKeepsTheGeneration     \* [PTR-1]
WordsFollowTheArrows == Abstract!WordsFollowTheArrows                               \* [SLOT-5] to [SLOT-12]

(* The widths hold: no word carries into its neighbour [SLOT-2]. *)
WordsFit ==
    \A s \in Slot : word[s].count \in 0 .. MaxCount /\ detachedWord[s].count \in 0 .. MaxCount

(* A slot is free, or one thread's, or its references' [ALLOC-2] [ORDER-2]. *)
Owners(s) == {t \in Thread : s \in lent[t] \/ (at[t] # Idle /\ at[t].label \in {"claimed", "counted", "dropped", "freed"}
                                               /\ at[t].slot = s)}

EachSlotHasOneOwner ==
    \A s \in Slot : (IF s \in freeBits THEN 1 ELSE 0) + Cardinality(Owners(s)) + (IF word[s].count > 0 THEN 1 ELSE 0) = 1

(* Before a slot is free for others, it is FREE [SLOT-12] [ORDER-2]. *)
FreeBitMeansFree == \A s \in freeBits : word[s].state = "FREE"

(* [PTR-14]: RefCountUnderflow only if at a moment of the call the slot had no detached reference left. *)
UnderflowIsExact == \A t \in Thread : IsAt(t, "underflow") => t \in noneLeft

(* [ALLOC-12], [PTR-3]: a drop, an allocation or a loan ends, whatever other threads do: none of them has to go on. *)
CallsEnd ==
    \A t \in Thread : (at[t] # Idle /\ at[t].label \in {"claimed", "counted", "dropped", "freed"}) ~> IsIdle(t)
=============================================================================
