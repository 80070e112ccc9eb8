"""A history split into a subhistory for each object, and the problems that single calls show [SLOT-1, ERR-1].

Linearizability is local (Herlihy and Wing, 1990): a history is linearizable if the subhistory of each object is. A call
is one candidate linearization point of an object, or several, or points of several objects.
"""

from collections.abc import Callable

from rusted_ring.verify.clients.language import Client
from rusted_ring.verify.clients.operations import Operation
from rusted_ring.verify.clients.statuses import SKIPPED
from rusted_ring.verify.linearizability.history import History, HistoryError
from rusted_ring.verify.linearizability.pool_calls import PoolCalls
from rusted_ring.verify.linearizability.ring_calls import RingCalls


class Subhistories(PoolCalls, RingCalls):
    """A history split by object. The constructor reads it: the setup, then each thread, then the finish."""

    def __init__(self, client: Client, history: History, strict: bool) -> None:
        """Split a history of a client.

        Raises:
            HistoryError: the history is not one of this client.
        """
        super().__init__(client, history, strict)
        self._read()

    def _read(self) -> None:
        setup = len(self.client.setup)
        for index in self.by_thread[0][:setup]:
            self._call(index)
        for listed in self.by_thread[1:]:
            for index in listed:
                self._call(index)
        self.finishing = True
        for index in self.by_thread[0][setup:]:
            self._call(index)

    def _call(self, index: int) -> None:
        call = self.history.calls[index]
        operation = self.operations[index]
        if not call.results:
            raise HistoryError(f"call {index}, {self.name(index)}, has no results; give the status at least")
        skipped = call.results[0] == SKIPPED and len(call.results) == 1
        if skipped != (not self._can(index, operation)):
            raise HistoryError(
                f"call {index}, {self.name(index)}, was {'skipped' if skipped else 'made'}, contrary to the calls "
                "before it; give the history of this client"
            )
        if not skipped:
            method: Callable[[int, Operation, tuple[int, ...]], None] = getattr(self, f"_do_{operation.name}")
            try:
                method(index, operation, call.results)
            except (IndexError, ValueError) as error:
                if isinstance(error, HistoryError):
                    raise
                raise HistoryError(
                    f"call {index}, {self.name(index)}, has the results {call.results}: {error}; give all its results"
                ) from error
