-------------------------- MODULE EventCountWords --------------------------
(* The steps of module EventCount on the words of struct event_count, as memory commits them; a sleeper is bit 1 of the waiters. *)
EXTENDS EventCount, Words

Told ==
    /\ WordStep("write_cursor", memory["published"], memory'["published"])
    /\ WordStep("waiters", 2 * memory["waiters"], 2 * memory'["waiters"])
    /\ WordStep("epoch", memory["epoch"], memory'["epoch"])
=============================================================================
