"""The index of held records joined to Kafka and to the database; and looks that take it where there is one.

An index is kept of a quarantine if `database` names a PostgreSQL server, or once `quarantine adopt --rebuild` has made
one in the SQLite file. Everything that can be looked at can be looked at without it, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from watermaster.adapters.database.engine import is_there, open_database
from watermaster.adapters.database.hold_index import DatabaseHoldIndex
from watermaster.contract.checks import Checks
from watermaster.quarantine.group import Groups
from watermaster.quarantine.selection import Selection
from watermaster.runtime.configuration import Configuration, StreamConfiguration
from watermaster.runtime.hold_horizon import OldestOpen
from watermaster.runtime.hold_index import HoldIndexer, IndexedTopics, IndexProgress
from watermaster.runtime.hold_index_ports import IndexedGroups, IndexedHold, IndexMark, index_moved
from watermaster.runtime.hold_survey import Surveyed
from watermaster.stream.fault import WorldFault
from watermaster.wiring.quarantine import (
    QuarantineDesk,
    find_held,
    meant_topics,
    only_one,
    read_at,
    walk_held,
)

_Answer = TypeVar("_Answer")

TRIES = 3
"""An index may be made anew between catching up and asking."""


@dataclass(frozen=True, slots=True)
class RebuiltIndex:
    """What a rebuild has left, by quarantine topic; seconds from its begin to its end."""

    name: str
    records: dict[str, int]
    seconds: float


class HoldLook:
    """Held records of one quarantine: from its index, or from its topics where there is none."""

    def __init__(self, desk: QuarantineDesk, indexer: HoldIndexer | None, tell: Callable[[str], object]) -> None:
        self._desk = desk
        self._indexer = indexer
        self._tell = tell

    @property
    def has_index(self) -> bool:
        """Whether an index answers."""
        return self._indexer is not None

    def groups(self, streams: Sequence[StreamConfiguration] | None, selection: Selection) -> IndexedGroups:
        """By what makes them fail, with all that is told beside."""
        topics, meant = meant_topics(self._desk, streams, selection)
        if self._indexer is not None:
            found = self._ask(lambda indexer, mark: indexer.store.groups(mark, topics, meant), topics)
            if found is not None:
                return found
        groups, oldest, survey = Groups(), OldestOpen(), self._desk.survey()
        for held in walk_held(self._desk, streams, selection, survey=survey):
            groups.add(held.held)
            oldest.see(held)
        counts = survey.counts
        return IndexedGroups(groups.largest(), oldest, counts.unread, counts.doubles + counts.clashes)

    def page(
        self,
        streams: Sequence[StreamConfiguration] | None,
        selection: Selection,
        after: tuple[str, int, int] | None,
        limit: int,
    ) -> Sequence[IndexedHold]:
        """In the order of the logs, topic by topic, behind the place of one that was seen."""
        topics, meant = meant_topics(self._desk, streams, selection)
        if self._indexer is not None:
            found = self._ask(lambda indexer, mark: _page(indexer, mark, topics, meant, after, limit), topics)
            if found is not None:
                return found
        walk = walk_held(self._desk, streams, selection, after)
        return [IndexedHold(each.held, each.hold) for each in islice(walk, limit)]

    def one(
        self, streams: Sequence[StreamConfiguration] | None, partition: int, offset: int
    ) -> tuple[Surveyed, Checks]:
        """The held record of these source coordinates, whole. The index knows where it lies; its bytes are read there.

        Raises UsageFault if none or several of the streams have one.
        """
        if self._indexer is not None:
            named = Selection(partitions=(partition,), offsets=(offset,))
            topics, meant = meant_topics(self._desk, streams, named)
            found = self._ask(lambda indexer, mark: _page(indexer, mark, topics, meant, None, 2), topics)
            if found is not None:
                only_one(self._desk, len(found), partition, offset)
                whole = read_at(self._desk, found[0])
                if whole is not None:
                    return whole, self._desk.contracts().current(whole.held.stream).checks
        return find_held(self._desk, streams, partition, offset)

    def _ask(self, question: Callable[[HoldIndexer, IndexMark], _Answer], topics: Sequence[str]) -> _Answer | None:
        """The index's answer once it has caught up; None, and no index any more, if the database is away."""
        assert self._indexer is not None  # noqa: S101 - asked only where there is one
        for topic in topics:
            self._desk.partitions(topic)
        for _ in range(TRIES):
            try:
                mark = self._indexer.catch_up()
                if mark.because:
                    self._tell(f"The index was made anew: {mark.because}.")
                return question(self._indexer, mark)
            except WorldFault as fault:
                if fault.code == index_moved().code:
                    continue
                if fault.code != "WM-DATABASE":
                    raise
                self._tell(f"{fault.message} The topics are read instead.")
                self._indexer = None
                return None
        raise index_moved()


def _page(
    indexer: HoldIndexer,
    mark: IndexMark,
    topics: Sequence[str],
    meant: Selection,
    after: tuple[str, int, int] | None,
    limit: int,
) -> Sequence[IndexedHold]:
    begin = topics.index(after[0]) if after is not None and after[0] in topics else 0
    found: list[IndexedHold] = []
    for topic in topics[begin:]:
        behind = after[1:] if after is not None and topic == after[0] else None
        found += indexer.store.page(mark, topic, meant, behind, limit - len(found))
        if len(found) == limit:
            break
    return found


@contextmanager
def open_look(
    desk: QuarantineDesk, tell: Callable[[str], object], on_progress: Callable[[IndexProgress], None]
) -> Iterator[HoldLook]:
    """A look at a quarantine. `tell` hears what a person should know of the index; the look goes on without it."""
    with ExitStack() as stack:
        try:
            indexer = stack.enter_context(kept_index(desk, on_progress))
        except WorldFault as fault:
            tell(f"{fault.message} The topics are read instead.")
            indexer = None
        yield HoldLook(desk, indexer, tell)


@contextmanager
def kept_index(desk: QuarantineDesk, on_progress: Callable[[IndexProgress], None]) -> Iterator[HoldIndexer | None]:
    """The indexer of a quarantine, if an index is kept of it."""
    configuration = desk.configuration
    if not configuration.database and not is_there(configuration.state_directory):
        yield None
        return
    with closing(open_store(configuration)) as store:
        is_kept = bool(configuration.database) or store.has(desk.adoption.cluster_id, desk.gate.name)
        yield indexer_of(desk, store, on_progress) if is_kept else None


def rebuild_index(desk: QuarantineDesk, on_progress: Callable[[IndexProgress], None]) -> RebuiltIndex:
    """Throw away what the database knows of a quarantine, and read its topics from their beginnings."""
    began_s = time.monotonic()
    with closing(open_store(desk.configuration)) as store:
        mark = indexer_of(desk, store, on_progress).rebuild()
        return RebuiltIndex(desk.gate.name, store.counts(mark), time.monotonic() - began_s)


def open_store(configuration: Configuration) -> DatabaseHoldIndex:
    """The indexes of a configuration; its tables are brought up to date. Raises faults."""
    return DatabaseHoldIndex(open_database(configuration.database, configuration.state_directory))


def indexer_of(
    desk: QuarantineDesk, store: DatabaseHoldIndex, on_progress: Callable[[IndexProgress], None]
) -> HoldIndexer:
    """Of an opened quarantine, all of its topics together."""
    topics, _ = meant_topics(desk, None if desk.adopted else desk.gate.streams, Selection())
    made_of = IndexedTopics(desk.gate.name, topics, desk.gate.holds, desk.adoption)
    return HoldIndexer(desk.reader, store, made_of, time.sleep, on_progress)
