----------------------------- MODULE PoolWords -----------------------------
(* The steps of module Pool on the slot word and the word of the detached references, in the bits of the core [SLOT-2] [PTR-11]. *)
EXTENDS Pool, Words

StateBits == [FREE |-> 0, LIVE |-> 1, LOANED |-> 2]
SlotWord(w) == StateBits[w.state] + 4 * (w.count + 2 ^ RefBits * w.generation)
DetachedWord(d) == d.count + 2 ^ RefBits * d.generation

Told ==
    \A s \in Slot :
        /\ WordStep("slot", SlotWord(word[s]), SlotWord(word'[s]))
        /\ WordStep("detached", DetachedWord(detachedWord[s]), DetachedWord(detachedWord'[s]))
=============================================================================
