"""Calls on pools as candidate linearization points of slots, loose references and free lists [SLOT-1, ALLOC-3]."""

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
    """What each call on pools, pointers, tokens and loans says of each object."""

    def _slot(self, call: int, token: int, *steps: Step) -> None:
        self._lane(("slot", pool_of_token(token), slot_of_token(token)), call, *steps)

    def _loose(self, call: int, token: int, *steps: Step) -> None:
        self._lane(("loose", pool_of_token(token), slot_of_token(token)), call, *steps)

    def _claimed(self, call: int, token: int, generation: int) -> None:
        """Note that a loose reference became the caller's."""
        self._loose(call, token, ("claim",))
        self._slot(call, token, ("live", generation))

    def _free_list(self, call: int, pool: int, *steps: Step) -> None:
        self._lane(("free list", pool), call, *steps)

    def _exists(self, call: int, token: int, subject: str) -> bool:
        """Return whether the client has the slot of a token; a problem if not."""
        shape = self.client.pool
        assert shape is not None
        slots = {0: shape.slots, 5: shape.heap_slots}.get(pool_of_token(token), 0)
        if slot_of_token(token) < slots and generation_of_token(token) < self.generations:
            return True
        self._problem(subject, "PTR-10", f"returned the token {token}, of no slot that there is", call)
        return False

    def _allocated(self, place: int, token: int, event: int, loose: int) -> bool:
        if not self._exists(place, token, "free list"):
            return False
        pool, slot = pool_of_token(token), slot_of_token(token)
        self.taken[pool] += 1
        if loose:
            self._loose(place, token, ("loosen",))
        self._slot(place, token, ("take",), ("publish", generation_of_token(token), event))
        self._free_list(place, pool, ("take", slot))
        return True

    def _exhausted(self, place: int, status: int, pool: int) -> bool:
        """Return whether an allocation failed, as one that found the pool full, or with a problem."""
        if status == Status.OK:
            return False
        if status == Status.POOL_EXHAUSTED:
            self.failed[pool] += 1
            self.wants_free_list.add(pool)
            begin = [("begin", place)] if self.enough else []
            self._free_list(place, pool, *begin, ("empty", place, self.enough))
        else:
            self._problem("free list", "ERR-1", f"answered with status {status}, which it never does", place)
        return True

    def _do_alloc(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name in ("heap", "hloan") else 0
        if self._exhausted(place, results[0], pool):
            return
        event = int(operation.arguments[1])
        if self._allocated(place, results[1], event, 0) and self._right_pool(place, results[1], pool):
            self.pointers[self._variable(place, operation.arguments[0])] = Held(results[1], event)

    _do_heap = _do_alloc

    def _right_pool(self, place: int, token: int, pool: int) -> bool:
        if pool_of_token(token) == pool:
            return True
        self._problem("free list", "ALLOC-1", f"took a slot of pool {pool_of_token(token)}, not of {pool}", place)
        return False

    def _do_ffi(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        event = int(operation.arguments[1])
        if not self._exhausted(place, results[0], 0) and self._allocated(place, results[1], event, 1):
            self.tokens[self._variable(place, operation.arguments[0])] = Held(results[1], event)

    def _do_amany(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        count, event = int(operation.arguments[1]), int(operation.arguments[2])
        if results[0] == Status.POOL_EXHAUSTED:
            self.failed[0] += 1
            self.wants_free_list.add(0)
            begin = [("begin", place)] if self.enough else []
            counted = int(bool(self.enough))
            self._free_list(
                place,
                0,
                *[("hold", place)] * (count - 1),
                *begin,
                ("empty", place, self.enough),
                *[("unhold", place, counted)] * (count - 1),
            )
            if not 0 <= results[1] < count:
                self._problem(
                    "free list", "ALLOC-14", f"names event {results[1]} of {count} as the one that failed", place
                )
            return
        if self._exhausted(place, results[0], 0):
            return
        tokens = results[1:]
        if len(tokens) != count or len(set(tokens)) != count:
            self._problem("free list", "ALLOC-14", f"returned the tokens {tokens} for {count} events", place)
            return
        variable = self._variable(place, operation.arguments[0])
        for at, token in enumerate(tokens):
            if self._allocated(place, token, event + at, 1):
                self.tokens[(variable[0], f"{variable[1][0]}{int(variable[1][1:]) + at}")] = Held(token, event + at)

    def _dropped(self, place: int, token: int, count: int = -1) -> None:
        self._slot(place, token, ("drop", generation_of_token(token), place, count), ("back", place))
        self._given(place, token)

    def _given(self, place: int, token: int) -> None:
        slot = slot_of_token(token)
        counted = int(bool(self.enough))
        self._free_list(place, pool_of_token(token), ("unref", slot, place), ("give", slot, place, counted))

    def _do_dmany(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        variable = self._variable(place, operation.arguments[0])
        count = int(operation.arguments[1])
        tokens = [pointer.token for at in range(count) if (pointer := self._token(variable, at)) is not None]
        ended = count if results[0] == Status.OK else results[1]
        for token in tokens[:ended]:
            self._claimed(place, token, generation_of_token(token))
        if results[0] != Status.OK:
            self._refused(place, results[0], tokens[ended])
            for token in reversed(tokens[:ended]):
                self._loose(place, token, ("loosen",))
            return
        for token in tokens:
            self._slot(place, token, ("drop", generation_of_token(token), place, -1))
            self._free_list(place, pool_of_token(token), ("unref", slot_of_token(token), place))
        counted = int(bool(self.enough))
        for token in dict.fromkeys(tokens):
            self._slot(place, token, ("back", place))
            self._free_list(place, pool_of_token(token), ("give", slot_of_token(token), place, counted))

    def _refused(self, place: int, status: int, token: int, generation: int | None = None) -> None:
        """Note that a call on a token was refused."""
        kind = _REFUSALS.get(status)
        if kind is None:
            self._problem("slot", "ERR-1", f"answered with status {status}, which it never does", place)
            return
        generation = generation_of_token(token) if generation is None else generation
        if kind != "none":
            self._slot(place, token, (kind, generation))
            return
        self._loose(place, token, ("none",))
        if generation >= 0:  # without one, a slot that is not LIVE is answered in the same way
            self._slot(place, token, ("live", generation))

    def _do_clone(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        source = self.pointers[self._variable(place, operation.arguments[1])]
        if results[0] != Status.OK:
            self._refused(place, results[0], source.token)
            return
        self._slot(place, source.token, ("clone", generation_of_token(source.token)))
        self._made(place, operation, results[1], source)

    def _made(self, place: int, operation: Operation, token: int, source: Held) -> None:
        """Note that a pointer was made of another or of a token."""
        if token != source.token:
            self._problem("slot", "PTR-2", f"returned a pointer of token {token} for one of {source.token}", place)
        self.pointers[self._variable(place, operation.arguments[0])] = Held(source.token, source.event)

    def _do_drop(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        self._dropped(place, self.pointers.pop(self._variable(place, operation.arguments[0])).token)

    def _do_read(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(place, operation.arguments[0])]
        event, length, event_type = results[1:4]
        heap = pool_of_token(pointer.token) == 5
        whole, cut = (HEAP_LENGTH, HEAP_CUT) if heap else (POOL_LENGTH, POOL_CUT)
        if event == TORN or event_type != event or length not in (whole, cut):
            self._problem("slot", "SLOT-13", f"read event {event}, {length} bytes of type {event_type}: torn", place)
            return
        code = event + 16 * (length == cut)
        self._slot(place, pointer.token, ("read", generation_of_token(pointer.token), code))
        if self.strict and pointer.event and pointer.event != event:
            self._problem("slot", "WEAK-5", f"took the token of event {pointer.event} for that of event {event}", place)

    def _do_count(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self.pointers[self._variable(place, operation.arguments[0])].token
        self._slot(place, token, ("count", generation_of_token(token), results[1]))

    def _do_weak(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers[self._variable(place, operation.arguments[1])]
        if results[1] != pointer.token:
            self._problem("slot", "WEAK-1", f"returned the token {results[1]} of a pointer of {pointer.token}", place)
        self.tokens[self._variable(place, operation.arguments[0])] = Held(pointer.token, pointer.event)

    def _do_into(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self.pointers.pop(self._variable(place, operation.arguments[1]))
        if results[1] != pointer.token:
            self._problem("slot", "PTR-12", f"returned the token {results[1]} of a pointer of {pointer.token}", place)
        self._slot(place, pointer.token, ("live", generation_of_token(pointer.token)))
        self._loose(place, pointer.token, ("loosen",))
        self.tokens[self._variable(place, operation.arguments[0])] = pointer

    def _from_token(self, place: int, operation: Operation, results: tuple[int, ...]) -> Held | None:
        token = self._token(self._variable(place, operation.arguments[1]))
        assert token is not None
        if results[0] != Status.OK:
            self._refused(place, results[0], token.token)
            return None
        return token

    def _do_upgrade(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(place, operation, results)
        if token is not None:
            self._slot(place, token.token, ("upgrade", generation_of_token(token.token), -1))
            self._made(place, operation, results[1], token)

    def _do_from(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        token = self._from_token(place, operation, results)
        if token is not None:
            self._claimed(place, token.token, generation_of_token(token.token))
            self._made(place, operation, results[1], token)

    def _do_inc(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "inc" else -1
        if results[0] != Status.OK:
            self._refused(place, results[0], token, generation)
            return
        self._slot(place, token, ("upgrade", generation, results[1]))
        self._loose(place, token, ("loosen",))

    _do_incany = _do_inc

    def _do_dec(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        token = pointer.token
        generation = generation_of_token(token) if operation.name == "dec" else -1
        if results[0] != Status.OK:
            self._refused(place, results[0], token, generation)
            return
        self._claimed(place, token, generation)
        self._slot(place, token, ("drop", generation, place, results[1]), ("back", place))
        self._given(place, token)

    _do_decany = _do_dec

    def _do_meta(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pointer = self._token(self._variable(place, operation.arguments[0]))
        assert pointer is not None
        if results[3] not in (0, 1, 2):
            self._problem("slot", "SLOT-2", f"was shown the state {results[3]}, which there is not", place)
            return
        self._slot(place, pointer.token, ("meta", *results[1:4]))

    def _do_loan(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        pool = 5 if operation.name == "hloan" else 0
        if self._exhausted(place, results[0], pool):
            return
        event, token = int(operation.arguments[1]), results[1]
        if not (self._exists(place, token, "free list") and self._right_pool(place, token, pool)):
            return
        if results[2] != 1:
            self._problem("slot", "LOAN-2", "was lent bytes that are not all 0", place)
        self.taken[pool] += 1
        self._slot(place, token, ("take",), ("lend", generation_of_token(token), event))
        self._free_list(place, pool, ("take", slot_of_token(token)))
        self.loans[self._variable(place, operation.arguments[0])] = (token, event)

    _do_hloan = _do_loan

    def _do_commit(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        if results[0] != Status.OK:
            self._problem("slot", "LOAN-3", f"was refused with status {results[0]}", place)
            return
        token, event = self.loans.pop(self._variable(place, operation.arguments[1]))
        code = event + 16 * (operation.name == "cut")
        self._slot(place, token, ("commit", generation_of_token(token), code))
        self._made(place, operation, results[1], Held(token, event))

    _do_cut = _do_commit

    def _do_abort(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del results
        token, _ = self.loans.pop(self._variable(place, operation.arguments[0]))
        self._slot(place, token, ("abort", generation_of_token(token), place), ("back", place))
        self._given(place, token)

    def _do_hold(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        count = int(operation.arguments[0])
        slots = frozenset(
            64 * word + slot for word, bits in enumerate(results[1:]) for slot in range(64) if bits >> slot & 1
        )
        if results[0] != Status.OK or len(slots) != count:
            self._problem("free list", "ALLOC-14", f"took the slots {sorted(slots)}, not {count}", place)
        self.taken[0] += len(slots)
        self.held = self.held | slots

    def _do_unhold(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        self._free_list(place, 0, *[("sweep", slot) for slot in sorted(self.held)])
        if results[0] != Status.OK:
            self._problem("slot", "PTR-13", f"could not give a held slot back: status {results[0]}", place)

    def _do_sweep(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        found = {(entry >> 32, entry >> 16 & 0xFFFF): entry & 0xFFFF for entry in results[1:]}
        for subject in [subject for subject in self.lanes if subject[0] == "slot"]:
            pool, slot = subject[1:]
            count = found.pop((pool, slot), 0)
            self._lane(subject, place, ("sweep", count))
            if ("loose", pool, slot) in self.lanes:
                self._lane(("loose", pool, slot), place, ("sweep", count))
            elif count:
                found[pool, slot] = count
            if count:
                self._free_list(place, pool, ("sweep", slot))
        for (pool, slot), count in found.items():
            self._problem(
                f"slot {slot} of pool {pool}", "PTR-11", f"found {count} loose references that nobody left", place
            )

    def _do_stats(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        for pool, capacity, found in ((0, shape.slots, results[:4]), (5, shape.heap_slots, results[4:8])):
            live, free, allocations, failures = found
            name = f"figures of {PoolId(pool).name}"
            if live or free != capacity:
                self._problem(name, "SLOT-12", f"finds {live} slots taken after all was given back", place)
            if allocations != self.taken[pool]:
                self._problem(name, "ALLOC-9", f"counts {allocations} allocations of {self.taken[pool]}", place)
            if failures != self.failed[pool]:
                self._problem(name, "ALLOC-9", f"counts {failures} failures of {self.failed[pool]}", place)

    def _do_refill(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        shape = self.client.pool
        assert shape is not None
        count, *tokens = results
        if count != shape.slots or len(set(tokens)) != min(count, 7):
            self._problem("free list of XS", "ALLOC-2", f"could take {count} slots of {shape.slots} at the end", place)
        for token in tokens:
            subject = ("slot", 0, slot_of_token(token))
            generation = generation_of_token(token)
            if subject in self.lanes:
                publish = ("publish", generation, HELD_EVENT)
                self._lane(subject, place, ("take",), publish, ("drop", generation, place, 0), ("back", place))
            elif generation != (1 % self.generations if slot_of_token(token) in self.held else 0):
                self._problem(f"slot {slot_of_token(token)}", "SLOT-4", f"has generation {generation}", place)

    def _do_destroypool(self, place: int, operation: Operation, results: tuple[int, ...]) -> None:
        del operation
        if results[0] == Status.OK:
            self.destroyed["pool"] = self.history.calls[place].thread
            for pool in (0, 5):
                self._free_list(place, pool, ("all free",))
                if not self.finishing:
                    self.wants_free_list.add(pool)
        elif self.finishing:
            self._problem("pools", "SLOT-12", "are still in use after all was given back", place)
        elif not any(o.name in ("heap", "hloan") for o in self.operations.values()):
            self._free_list(place, 0, ("busy",))
            self.wants_free_list.add(0)
