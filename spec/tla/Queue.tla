------------------------------- MODULE Queue -------------------------------
(***************************************************************************)
(* What a gated ring means: events that one writer adds and that each      *)
(* registered reader gets in order, none left out [RING-14] to [RING-20].  *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS Reader, Capacity, Events, Out

VARIABLES
    count,     \* events added
    position,  \* the next event of each registered reader; Out of another one
    got        \* the sequence number that each reader got last; Out before the first

vars == <<count, position, got>>

Init == count = 0 /\ position = [r \in Reader |-> Out] /\ got = [r \in Reader |-> Out]

Add ==                                               \* [RING-14] [RING-17]
    /\ count < Events
    /\ \A r \in Reader : position[r] # Out => count < position[r] + Capacity
    /\ count' = count + 1
    /\ UNCHANGED <<position, got>>

Join(r) ==                                           \* [RING-16]: at an event that is there, or at the next one
    /\ position[r] = Out
    /\ \E c \in 0 .. count : count <= c + Capacity /\ position' = [position EXCEPT ![r] = c]
    /\ UNCHANGED <<count, got>>

Take(r) ==                                          \* [RING-7] [RING-13] [RING-15]
    /\ position[r] # Out /\ position[r] < count
    /\ got' = [got EXCEPT ![r] = position[r]]
    /\ position' = [position EXCEPT ![r] = @ + 1]
    /\ UNCHANGED count

Leave(r) ==                                          \* [RING-19] [RING-20]
    /\ position[r] # Out
    /\ position' = [position EXCEPT ![r] = Out]
    /\ UNCHANGED <<count, got>>

Next == Add \/ \E r \in Reader : Join(r) \/ Take(r) \/ Leave(r)

Spec == Init /\ [][Next]_vars
=============================================================================
