"""The monitor keeps the indexes of held records up, beside its looks: who asks them then waits for little.

It needs nothing that a look does not need, and is no leader of anything: whoever looks reads what is new itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import TypeAlias

from watermaster.adapters.database.hold_index import DatabaseHoldIndex
from watermaster.runtime.configuration import Configuration
from watermaster.runtime.data_watch import DataTurn
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.hold_index import HoldIndexer, IndexProgress
from watermaster.stream.fault import Fault
from watermaster.wiring.hold_index import indexer_of, open_store
from watermaster.wiring.quarantine import open_desk

END_S = 30.0
"""As long as a batch is waited for at the end; a thread that is still busy then ends with the process."""


_Kept: TypeAlias = tuple[ExitStack, HoldIndexer]


class _Ended(Exception):
    """The monitor ends, and with it a pass; what it has put stays."""


class IndexKeeper:
    """A `DataWatch` that has a thread of its own, since a first pass over millions takes minutes."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._pause_s = configuration.monitor.poll_ms / 1000
        self._asked_s = -3 * self._pause_s
        self._ends = threading.Event()
        self._unseen: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="index", daemon=True)

    def begin(self) -> None:
        """Nothing is taken up: positions stand in the database."""

    def turn(self, looks: Sequence[ClusterLook], now_ms: int) -> DataTurn:  # noqa: ARG002 - it looks for itself
        """Go on for some looks more; what the last passes could not read."""
        self._asked_s = time.monotonic()
        if self._thread.ident is None and not self._ends.is_set():
            self._thread.start()
        return DataTurn(unseen=tuple(line for _, line in sorted(self._unseen.items())))

    def close(self) -> None:
        """No further batch."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(END_S)

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with ExitStack() as opened:
            store: DatabaseHoldIndex | None = None
            desks: dict[str, _Kept] = {}
            while not self._ends.is_set():
                try:
                    if time.monotonic() - self._asked_s < 3 * self._pause_s:
                        store = store or opened.enter_context(closing(open_store(self._configuration)))
                        self._pass(store, opened, desks)
                        self._unseen.pop("", None)
                except Fault as fault:
                    self._unseen[""] = f"the indexes of held records: {fault.message}"
                except _Ended:
                    break
                except Exception as problem:  # noqa: BLE001 - a defect here must not go unsaid, and not end the monitor
                    self._unseen[""] = f"the indexes of held records: unexpected {type(problem).__name__}"
                self._ends.wait(self._pause_s)

    def _pass(self, store: DatabaseHoldIndex, opened: ExitStack, desks: dict[str, _Kept]) -> None:
        """One after another; who has none is left alone, since to make one somebody asks for it or looks first."""
        names = store.names()
        for name in (*sorted(self._configuration.gates), *sorted(self._configuration.quarantines)):
            if name not in names:
                continue
            try:
                if name not in desks:
                    desks[name] = self._open(name, store, opened)
                desks[name][1].catch_up()
                self._unseen.pop(name, None)
            except Fault as fault:
                self._unseen[name] = f"the index of held records of {name}: {fault.message}"
                if name in desks:  # its connections may be what is broken
                    desks.pop(name)[0].close()

    def _open(self, name: str, store: DatabaseHoldIndex, opened: ExitStack) -> _Kept:
        with ExitStack() as own:
            indexer = indexer_of(own.enter_context(open_desk(self._configuration, name)), store, self._go_on)
            return opened.enter_context(own.pop_all()), indexer

    def _go_on(self, _: IndexProgress) -> None:
        if self._ends.is_set():
            raise _Ended
