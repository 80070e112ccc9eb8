------------------------------ MODULE FreeList ------------------------------
(***************************************************************************)
(* The search of a pool's free list, and when it may report exhaustion     *)
(* [ALLOC-3].  The list is an array of words; a word holds free bits, and  *)
(* a version that counts the slots released to it.                         *)
(*                                                                         *)
(* An action is one atomic step of native/src/free_list.c.  Left out: the  *)
(* next-fit cursors and shards, which only choose the word at which a      *)
(* search begins [ALLOC-10]; here it may begin at any.                     *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Thread,
    Words,    \* words of the list, numbered from 0
    Bits,     \* slots of a word
    TagBits,  \* T: versions are compared modulo 2^T [PARAM-2]
    Taken     \* the most slots that one thread has

VARIABLES
    bits,      \* of each word, the slots that are free: slot_line.free_bits, lower half
    version,   \* of each word, modulo 2^T: its upper half
    owned,     \* slots of each thread
    search,    \* of each thread: what claim_anywhere knows, or NotSearching
    wasFull,   \* a history: threads that search, and no slot was free at a moment of the call
    released   \* a history: slots released during each thread's call, at most 2^T

vars == <<bits, version, owned, search, wasFull, released>>

Word == 0 .. Words - 1
Slot == Word \X (1 .. Bits)
Tags == 2 ^ TagBits

NotSearching == [label |-> "none"]
Searches(t) == search[t].label = "search"

(* free_list.c:claim_anywhere, the local variables at the begin of a pass. *)
Pass(number, k, before) ==
    [label |-> "search", pass |-> number, k |-> k, visited |-> 0, sum |-> 0, before |-> before]

Init ==
    /\ bits = [k \in Word |-> {k} \X (1 .. Bits)]
    /\ version = [k \in Word |-> 0]
    /\ owned = [t \in Thread |-> {}]
    /\ search = [t \in Thread |-> NotSearching]
    /\ wasFull = {}
    /\ released = [t \in Thread |-> 0]

(* free_list.c:free_list_claim *)
BeginSearch(t) ==
    /\ ~Searches(t) /\ Cardinality(owned[t]) < Taken
    /\ \E k \in Word : search' = [search EXCEPT ![t] = Pass(0, k, 0)]
    /\ UNCHANGED <<bits, version, owned>>

(* free_list.c:claim_in_word: a compare-exchange takes free bits of the word [ALLOC-2] [ORDER-2]. *)
Claim(t) ==
    /\ Searches(t)
    /\ \E s \in bits[search[t].k] :
        /\ bits' = [bits EXCEPT ![s[1]] = @ \ {s}]
        /\ owned' = [owned EXCEPT ![t] = @ \cup {s}]
    /\ search' = [search EXCEPT ![t] = NotSearching]
    /\ UNCHANGED version

(* free_list.c:claim_anywhere: the end of a pass that found nothing.  Two passes with the same sum: exhausted. *)
SameSum(s) == s.pass > 0 /\ s.sum = s.before

(* free_list.c:claim_in_word: no bit is set, and the load gives the version of that moment. *)
FindEmpty(t) ==
    /\ Searches(t) /\ bits[search[t].k] = {}
    /\ LET old == search[t]
           now == [old EXCEPT !.sum = (@ + version[old.k]) % Tags, !.visited = @ + 1, !.k = (@ + 1) % Words]
       IN search' = [search EXCEPT ![t] =
            IF now.visited < Words THEN now
            ELSE IF SameSum(now) THEN [label |-> "exhausted"]
            ELSE Pass(1, now.k, now.sum)]
    /\ UNCHANGED <<bits, version, owned>>

(* The call raises PoolExhausted. *)
Fail(t) ==
    /\ search[t].label = "exhausted"
    /\ search' = [search EXCEPT ![t] = NotSearching]
    /\ UNCHANGED <<bits, version, owned>>

(* free_list.h:free_list_release: one addition sets the bits and counts the slots [ORDER-2]. *)
Release(t) ==
    /\ search[t] = NotSearching
    /\ \E s \in owned[t] :
        /\ bits' = [bits EXCEPT ![s[1]] = @ \cup {s}]
        /\ version' = [version EXCEPT ![s[1]] = (@ + 1) % Tags]
        /\ owned' = [owned EXCEPT ![t] = @ \ {s}]
    /\ UNCHANGED search

Full == \A k \in Word : bits[k] = {}

Least(m, n) == IF m < n THEN m ELSE n

(* Keeps the histories; `count` slots were released by this step. *)
Note(count) ==
    /\ wasFull' = {t \in Thread : search'[t] # NotSearching /\ (Full' \/ t \in wasFull)}
    /\ released' = [t \in Thread |-> IF search'[t] = NotSearching THEN 0 ELSE Least(released[t] + count, Tags)]

Step(t) ==
    \/ Release(t) /\ Note(1)
    \/ (BeginSearch(t) \/ Claim(t) \/ FindEmpty(t) \/ Fail(t)) /\ Note(0)

Next == \E t \in Thread : Step(t)

Spec == Init /\ [][Next]_vars

Search(t) == (Claim(t) \/ FindEmpty(t) \/ Fail(t)) /\ Note(0)

(* A thread that searches goes on; no other thread has to. *)
FairSpec == Spec /\ \A t \in Thread : WF_vars(Search(t))

----------------------------------------------------------------------------
TypeOK ==
    /\ bits \in [Word -> SUBSET Slot] /\ version \in [Word -> 0 .. Tags - 1]
    /\ owned \in [Thread -> SUBSET Slot]

(* [ALLOC-2]: a slot is free, or one thread's. *)
EachSlotHasOneOwner ==
    \A s \in Slot :
        (IF s \in bits[s[1]] THEN 1 ELSE 0) + Cardinality({t \in Thread : s \in owned[t]}) = 1

(* [ALLOC-3]: exhaustion is exact, unless 2^T slots were released during the call. *)
ExhaustionIsExact ==
    \A t \in Thread : search[t].label = "exhausted" => t \in wasFull \/ released[t] >= Tags

(* [ALLOC-11] [ALLOC-12]: a search ends, though other threads stop anywhere, unless they release slots for ever. *)
SearchEnds ==
    \A t \in Thread : (Searches(t) ~> ~Searches(t)) \/ []<><<\E u \in Thread \ {t} : Release(u)>>_vars
=============================================================================
