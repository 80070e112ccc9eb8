------------------------ MODULE OverwriteRingWords ------------------------
(* The steps of module OverwriteRing on the cursors, as memory commits them. *)
EXTENDS OverwriteRing, Words

Told ==
    /\ WordStep("write_cursor", memory[<<"write cursor">>], memory'[<<"write cursor">>])
    /\ WordStep("claim", memory[<<"claim">>], memory'[<<"claim">>])
=============================================================================
