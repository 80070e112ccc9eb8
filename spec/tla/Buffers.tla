------------------------------ MODULE Buffers ------------------------------
(***************************************************************************)
(* Memory with store buffers: a store waits in the buffer of its thread    *)
(* and location until it is committed to memory.  Stores of a thread to    *)
(* different locations are committed in any order, those to one location   *)
(* in program order.  A thread loads its own latest waiting store.         *)
(*                                                                         *)
(* It is weaker than x86 (which keeps the stores of a thread in order) and *)
(* stronger than C11: loads happen in program order here.  So it shows     *)
(* what a fence between a store and a later store or load is for, and not  *)
(* what an acquire is for.                                                 *)
(***************************************************************************)
EXTENDS Naturals, Sequences

CONSTANTS Thread, Location

VARIABLES
    memory,  \* the value of each location
    buffer   \* of each thread and location: the stores that wait

InitMemory ==
    /\ memory = [x \in Location |-> 0]
    /\ buffer = [t \in Thread |-> [x \in Location |-> <<>>]]

Load(t, x) ==
    IF buffer[t][x] = <<>> THEN memory[x] ELSE buffer[t][x][Len(buffer[t][x])]

Store(t, x, v) ==
    /\ buffer' = [buffer EXCEPT ![t][x] = Append(@, v)]
    /\ UNCHANGED memory

(* A memory that commits a store. *)
Commit(t, x) ==
    /\ buffer[t][x] # <<>>
    /\ memory' = [memory EXCEPT ![x] = Head(buffer[t][x])]
    /\ buffer' = [buffer EXCEPT ![t][x] = Tail(@)]

(* No store of the thread waits: what a fence waits for, and a read-modify-write or a release store before it. *)
Empty(t) == \A x \in Location : buffer[t][x] = <<>>

Fence(t) == Empty(t) /\ UNCHANGED <<memory, buffer>>

(* A fence of all threads of the process: membarrier(2). *)
HeavyFence == (\A t \in Thread : Empty(t)) /\ UNCHANGED <<memory, buffer>>

(* A store that is made after all earlier ones, and before the thread goes on. *)
Exchange(t, x, v) ==
    /\ Empty(t)
    /\ memory' = [memory EXCEPT ![x] = v]
    /\ UNCHANGED buffer
=============================================================================
