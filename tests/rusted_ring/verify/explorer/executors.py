"""The executors of the parts of an exploration: processes of this machine, or a Dask cluster."""

import concurrent.futures
import contextlib
import importlib
import multiprocessing
import os
from collections.abc import Iterator

from rusted_ring.verify.explorer.running import abandon
from rusted_ring.verify.support.errors import InputError
from rusted_ring.verify.support.extras import remedy
from rusted_ring.verify.support.processes import begin_worker, token

_DASK_SECONDS = 10


@contextlib.contextmanager
def executor(workers: int, dask: str | None) -> Iterator[concurrent.futures.Executor | None]:
    """The executor of subtrees: None for this process, a pool of processes, or a Dask cluster."""
    if dask is not None:
        try:
            distributed = importlib.import_module("distributed")
        except ModuleNotFoundError as error:
            raise InputError(f"argument --dask: {remedy(error.name) or error}") from None
        try:
            client = distributed.Client(dask, timeout=_DASK_SECONDS)
        except (OSError, ValueError) as error:
            raise InputError(f"argument --dask: no scheduler answers at {dask}: {error}") from None
        with client, client.get_executor() as executor:
            yield executor
    elif workers > 1:
        # Not by fork: the caller may have threads.
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=context, initializer=begin_worker, initargs=(os.getpid(), token())
        ) as executor:
            try:
                yield executor
            except BaseException:
                abandon(executor)
                raise
    else:
        yield None
