"""Calls on pools as candidate linearization points of slots, detached references and free lists [SLOT-1, ALLOC-3]."""

from collections.abc import Mapping
from typing import Final

from rusted_ring.reference.token import generation_of_token, pool_of_token, slot_of_token
from rusted_ring.verify.clients.language import HEAP_CUT, HEAP_LENGTH, HELD_EVENT, POOL_CUT, POOL_LENGTH
from rusted_ring.verify.clients.operations import Operation
from rusted_ring.verify.clients.statuses import TORN, Status
from rusted_ring.verify.linearizability.client_state import ClientState, Held
from rusted_ring.verify.linearizability.search import Step
from rusted_ring.vocabulary.sizes import PoolId

_REFUSALS: Final[Mapping[int, str]] = {
    Status.STALE_HANDLE: "stale",
    Status.REF_COUNT_OVERFLOW: "full",
    Status.REF_COUNT_UNDERFLOW: "none",
}


class PoolCalls(ClientState):
    """The candidate linearization points of each call on pools, pointers, tokens and loans."""

    def _slot(self, call: int, token: int, *steps: Step) -> None:
        self._add_points(("slot", pool_of_token(token), slot_of_token(token)), call, *steps)

    def _detached(self, call: int, token: int, *steps: Step) -> None:
        self._add_points(("detached", pool_of_token(token), slot_of_token(token)), call, *steps)

    def _claimed(self, call: int, token: int, generation: int) -> None:
        """Note that the call took a detached reference."""
        self._detached(call, token, ("claim",))
        self._slot(call, token, ("live", generation))

    def _free_list(self, call: int, pool: int, *steps: Step) -> None:
        self._add_points(("free list", pool), call, *steps)

    def _exists(self, call: int, token: int, subject: str) -> bool:
        """Return whether the client has the slot of a token; if not, note a problem."""
        shape = self.client.pool
        assert shape is not None
        slots = {0: shape.slots, 5: shape.heap_slots}.get(pool_of_token(token), 0)
        if slot_of_token(token) < slots and generation_of_token(token) < self.generations:
            return True
        self._problem(subject, "PTR-10", f"returned the token {token} of a slot that does not exist", call)
        return False

    def _allocated(self, index: int, token: int, event: int, *, detached: bool) -> bool:
        if not self._exists(index, token, "free list"):
            return False
        pool, slot = pool_of_token(token), slot_of_token(token)
        self.taken[pool] += 1
        if detached:
            self._detached(index, token, ("detach",))
        self._slot(index, token, ("take",), ("publish", generation_of_token(token), event))
        self._free_list(index, pool, ("take", slot))
        return True

    def _exhausted(self, index: int, status: int, pool: int) -> bool:
        """Return whether an allocation failed; note a problem unless it found the pool full."""
        if status == Status.OK:
            return False
        if status == Status.POOL_EXHAUSTED:
            self.failed[pool] += 1
            self.wants_free_list.add(pool)
            begin = [("begin", index)] if self.enough else []
            self._free_list(index, pool, *begin, ("empty", index, self.enough))
        else:
            self._problem("free list", "ERR-1", f"answered with status {status}, which it never does", index)
        return True

    def _do_alloc(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name in ("heap", "hloan") else 0
        if self._exhausted(index, results[0], pool):
            return
        event = int(operation.arguments[1])
        if self._allocated(index, results[1], event, detached=False) and self._right_pool(index, results[1], pool):
            self.pointers[self._variable(index, operation.arguments[0])] = Held(results[1], event)

    _do_heap = _do_alloc

    def _right_pool(self, index: int, token: int, pool: int) -> bool:
        if pool_of_token(token) == pool:
            return True
        self._problem("free list", "ALLOC-1", f"took a slot of pool {pool_of_token(token)}, not of {pool}", index)
        return False

    def _do_ffi(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        event = int(operation.arguments[1])
        if not self._exhausted(index, results[0], 0) and self._allocated(index, results[1], event, detached=True):
            self.tokens[self._variable(index, operation.arguments[0])] = Held(results[1], event)

    def _do_amany(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        count, event = int(operation.arguments[1]), int(operation.arguments[2])
        if results[0] == Status.POOL_EXHAUSTED:
            self.failed[0] += 1
            self.wants_free_list.add(0)
            begin = [("begin", index)] if self.enough else []
            counted = int(bool(self.enough))
            self._free_list(
                index,
                0,
                *[("hold", index)] * (count - 1),
                *begin,
                ("empty", index, self.enough),
                *[("unhold", index, counted)] * (count - 1),
            )
            if not 0 <= results[1] < count:
                self._problem(
                    "free list", "ALLOC-14", f"names event {results[1]} of {count} as the one that failed", index
                )
            return
        if self._exhausted(index, results[0], 0):
            return
        tokens = results[1:]
        if len(tokens) != count or len(set(tokens)) != count:
            self._problem("free list", "ALLOC-14", f"returned the tokens {tokens} for {count} events", index)
            return
        variable = self._variable(index, operation.arguments[0])
        for at, token in enumerate(tokens):
            if self._allocated(index, token, event + at, detached=True):
                self.tokens[(variable[0], f"{variable[1][0]}{int(variable[1][1:]) + at}")] = Held(token, event + at)

    def _dropped(self, index: int, token: int, count: int = -1) -> None:
        self._slot(index, token, ("drop", generation_of_token(token), index, count), ("back", index))
        self._given(index, token)

    def _given(self, index: int, token: int) -> None:
        slot = slot_of_token(token)
        counted = int(bool(self.enough))
        self._free_list(index, pool_of_token(token), ("unref", slot, index), ("give", slot, index, counted))

    def _do_dmany(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(index, operation.arguments[0])
        count = int(operation.arguments[1])
        tokens = [pointer.token for at in range(count) if (pointer := self._token(variable, at)) is not None]
        ended = count if results[0] == Status.OK else results[1]
        for token in tokens[:ended]:
            self._claimed(index, token, generation_of_token(token))
        if results[0] != Status.OK:
            self._refused(index, results[0], tokens[ended])
            for token in reversed(tokens[:ended]):
                self._detached(index, token, ("detach",))
            return
        for token in tokens:
            self._slot(index, token, ("drop", generation_of_token(token), index, -1))
            self._free_list(index, pool_of_token(token), ("unref", slot_of_token(token), index))
        counted = int(bool(self.enough))
        for token in dict.fromkeys(tokens):
            self._slot(index, token, ("back", index))
            self._free_list(index, pool_of_token(token), ("give", slot_of_token(token), index, counted))

    def _refused(self, index: int, status: int, token: int, generation: int | None = None) -> None:
        """Note that a call on a token failed."""
        kind = _REFUSALS.get(status)
        if kind is None:
            self._problem("slot", "ERR-1", f"answered with status {status}, which it never does", index)
            return
        generation = generation_of_token(token) if generation is None else generation
        if kind != "none":
            self._slot(index, token, (kind, generation))
            return
        self._detached(index, token, ("none",))
        if generation >= 0:  # a call without a generation gets the same status for a slot that is not LIVE
            self._slot(index, token, ("live", generation))

    def _do_clone(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        source = self.pointers[self._variable(index, operation.arguments[1])]
        if results[0] != Status.OK:
            self._refused(index, results[0], source.token)
            return
        self._slot(index, source.token, ("clone", generation_of_token(source.token)))
        self._made(index, operation, results[1], source)

    def _made(self, index: int, operation: Operation, token: int, source: Held) -> None:
        """Note that the call made a pointer of another pointer or of a token."""
        if token != source.token:
            self._problem("slot", "PTR-2", f"returned a pointer of token {token} for one of {source.token}", index)
        self.pointers[self._variable(index, operation.arguments[0])] = Held(source.token, source.event)

    def _do_drop(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._dropped(index, self.pointers.pop(self._variable(index, operation.arguments[0])).token)

    def _do_read(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(index, operation.arguments[0])]
        event, length, event_type = results[1:4]
        heap = pool_of_token(pointer.token) == 5
        whole, cut = (HEAP_LENGTH, HEAP_CUT) if heap else (POOL_LENGTH, POOL_CUT)
        if event == TORN or event_type != event or length not in (whole, cut):
            self._problem("slot", "SLOT-13", f"read event {event}, {length} bytes of type {event_type}: torn", index)
            return
        code = event + 16 * (length == cut)
        self._slot(index, pointer.token, ("read", generation_of_token(pointer.token), code))
        if self.strict and pointer.event and pointer.event != event:
            self._problem("slot", "WEAK-5", f"took the token of event {pointer.event} for that of event {event}", index)

    def _do_count(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self.pointers[self._variable(index, operation.arguments[0])].token
        self._slot(index, token, ("count", generation_of_token(token), results[1]))

    def _do_weak(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(index, operation.arguments[1])]
        if results[1] != pointer.token:
            self._problem("slot", "WEAK-1", f"returned the token {results[1]} of a pointer of {pointer.token}", index)
        self.tokens[self._variable(index, operation.arguments[0])] = Held(pointer.token, pointer.event)

    def _do_into(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers.pop(self._variable(index, operation.arguments[1]))
        if results[1] != pointer.token:
            self._problem("slot", "PTR-12", f"returned the token {results[1]} of a pointer of {pointer.token}", index)
        self._slot(index, pointer.token, ("live", generation_of_token(pointer.token)))
        self._detached(index, pointer.token, ("detach",))
        self.tokens[self._variable(index, operation.arguments[0])] = pointer

    def _from_token(self, index: int, operation: Operation, results: tuple[int, ...]) -> Held | None:
        token = self._token(self._variable(index, operation.arguments[1]))
        assert token is not None
        if results[0] != Status.OK:
            self._refused(index, results[0], token.token)
            return None
        return token

    def _do_upgrade(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(index, operation, results)
        if token is not None:
            self._slot(index, token.token, ("upgrade", generation_of_token(token.token), -1))
            self._made(index, operation, results[1], token)

    def _do_from(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(index, operation, results)
        if token is not None:
            self._claimed(index, token.token, generation_of_token(token.token))
            self._made(index, operation, results[1], token)

    def _do_inc(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(index, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "inc" else -1
        if results[0] != Status.OK:
            self._refused(index, results[0], token, generation)
            return
        self._slot(index, token, ("upgrade", generation, results[1]))
        self._detached(index, token, ("detach",))

    _do_incany = _do_inc

    def _do_dec(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(index, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "dec" else -1
        if results[0] != Status.OK:
            self._refused(index, results[0], token, generation)
            return
        self._claimed(index, token, generation)
        self._slot(index, token, ("drop", generation, index, results[1]), ("back", index))
        self._given(index, token)

    _do_decany = _do_dec

    def _do_meta(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(index, operation.arguments[0]))
        assert pointer is not None
        if results[3] not in (0, 1, 2):
            self._problem("slot", "SLOT-2", f"returned the state {results[3]}, which does not exist", index)
            return
        self._slot(index, pointer.token, ("meta", *results[1:4]))

    def _do_loan(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name == "hloan" else 0
        if self._exhausted(index, results[0], pool):
            return
        event, token = int(operation.arguments[1]), results[1]
        if not (self._exists(index, token, "free list") and self._right_pool(index, token, pool)):
            return
        if results[2] != 1:
            self._problem("slot", "LOAN-2", "returned a loan whose bytes are not all 0", index)
        self.taken[pool] += 1
        self._slot(index, token, ("take",), ("lend", generation_of_token(token), event))
        self._free_list(index, pool, ("take", slot_of_token(token)))
        self.loans[self._variable(index, operation.arguments[0])] = (token, event)

    _do_hloan = _do_loan

    def _do_commit(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] != Status.OK:
            self._problem("slot", "LOAN-3", f"was refused with status {results[0]}", index)
            return
        token, event = self.loans.pop(self._variable(index, operation.arguments[1]))
        code = event + 16 * (operation.name == "cut")
        self._slot(index, token, ("commit", generation_of_token(token), code))
        self._made(index, operation, results[1], Held(token, event))

    _do_cut = _do_commit

    def _do_abort(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        token, _ = self.loans.pop(self._variable(index, operation.arguments[0]))
        self._slot(index, token, ("abort", generation_of_token(token), index), ("back", index))
        self._given(index, token)

    def _do_hold(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        count = int(operation.arguments[0])
        slots = frozenset(
            64 * word + slot for word, bits in enumerate(results[1:]) for slot in range(64) if bits >> slot & 1
        )
        if results[0] != Status.OK or len(slots) != count:
            self._problem("free list", "ALLOC-14", f"took the slots {sorted(slots)}, not {count}", index)
        self.taken[0] += len(slots)
        self.held = self.held | slots

    def _do_unhold(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self._free_list(index, 0, *[("sweep", slot) for slot in sorted(self.held)])
        if results[0] != Status.OK:
            self._problem("slot", "PTR-13", f"could not release a held slot: status {results[0]}", index)

    def _do_sweep(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        found = {(entry >> 32, entry >> 16 & 0xFFFF): entry & 0xFFFF for entry in results[1:]}
        for subject in [subject for subject in self.points if subject[0] == "slot"]:
            pool, slot = subject[1:]
            count = found.pop((pool, slot), 0)
            self._add_points(subject, index, ("sweep", count))
            if ("detached", pool, slot) in self.points:
                self._add_points(("detached", pool, slot), index, ("sweep", count))
            elif count:
                found[pool, slot] = count
            if count:
                self._free_list(index, pool, ("sweep", slot))
        for (pool, slot), count in found.items():
            self._problem(
                f"slot {slot} of pool {pool}", "PTR-11", f"found {count} detached references that no call made", index
            )

    def _do_stats(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        for pool, capacity, found in ((0, shape.slots, results[:4]), (5, shape.heap_slots, results[4:8])):
            live, free, allocations, failures = found
            name = f"figures of {PoolId(pool).name}"
            if live or free != capacity:
                self._problem(name, "SLOT-12", f"finds {live} slots taken after all were released", index)
            if allocations != self.taken[pool]:
                self._problem(name, "ALLOC-9", f"counts {allocations} allocations of {self.taken[pool]}", index)
            if failures != self.failed[pool]:
                self._problem(name, "ALLOC-9", f"counts {failures} failures of {self.failed[pool]}", index)

    def _do_refill(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        count, *tokens = results
        if count != shape.slots or len(set(tokens)) != min(count, 7):
            self._problem("free list of XS", "ALLOC-2", f"could take {count} slots of {shape.slots} at the end", index)
        for token in tokens:
            subject = ("slot", 0, slot_of_token(token))
            generation = generation_of_token(token)
            if subject in self.points:
                publish = ("publish", generation, HELD_EVENT)
                self._add_points(subject, index, ("take",), publish, ("drop", generation, index, 0), ("back", index))
            elif generation != (1 % self.generations if slot_of_token(token) in self.held else 0):
                self._problem(f"slot {slot_of_token(token)}", "SLOT-4", f"has generation {generation}", index)

    def _do_destroypool(self, index: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["pool"] = self.history.calls[index].thread
            for pool in (0, 5):
                self._free_list(index, pool, ("all free",))
                if not self.finishing:
                    self.wants_free_list.add(pool)
        elif self.finishing:
            self._problem("pools", "SLOT-12", "found the pools in use after all slots were released", index)
        elif not any(o.name in ("heap", "hloan") for o in self.operations.values()):
            self._free_list(index, 0, ("busy",))
            self.wants_free_list.add(0)
