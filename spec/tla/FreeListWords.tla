--------------------------- MODULE FreeListWords ---------------------------
(* The steps of module FreeList on a word of the free list: its free bits and, from bit 8 on, its version modulo 2^T. *)
EXTENDS FreeList, Words

RECURSIVE FreeBits(_, _, _)
FreeBits(free, k, count) ==
    IF count = 0 THEN 0
    ELSE FreeBits(free, k, count - 1) + IF <<k, count>> \in free THEN 2 ^ (count - 1) ELSE 0

ListWord(free, k, number) == FreeBits(free, k, Bits) + 2 ^ 8 * number

ASSUME Bits <= 8

Told == \A k \in Word : WordStep("free_list", ListWord(bits[k], k, version[k]), ListWord(bits'[k], k, version'[k]))
=============================================================================
