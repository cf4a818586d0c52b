"""Indexes of held records over either database: how they are looked at.

Each look is one snapshot, in which the index must still stand. Rows are streamed; what is kept in memory are groups,
and counts of bounded size in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, select, tuple_

from watermaster.adapters.database.engine import reading
from watermaster.adapters.database.hold_groups import find_groups
from watermaster.adapters.database.hold_rows import (
    Choice,
    count_of,
    facts_and_text,
    hidden,
    indexed,
    must_stand,
)
from watermaster.adapters.database.hold_tables import (
    held,
)
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_index_ports import IndexedGroups, IndexedHold, IndexMark

FEW: Final = 20_000
"""So many rows are sorted; of more, the log is read in its order until the page is full."""


class DatabaseHoldLook:
    """The looking half of a `HoldIndexStore`."""

    def __init__(self, engine: Engine) -> None:
        self._look_engine = engine

    def counts(self, mark: IndexMark) -> dict[str, int]:
        """Records by quarantine topic."""
        with reading(self._look_engine) as connection:
            refs = {topic: must_stand(connection, mark, topic) for topic in mark.topics}
            rows = {topic: select(held.c.number).where(held.c.topic_ref == ref) for topic, ref in refs.items()}
            return {topic: count_of(connection, wanted) for topic, wanted in rows.items()}

    def page(
        self, mark: IndexMark, topic: str, selection: Selection, after: tuple[int, int] | None, limit: int
    ) -> Sequence[IndexedHold]:
        """By the place in the log, behind `after`."""
        with reading(self._look_engine) as connection:
            topic_ref = must_stand(connection, mark, topic)
            choice = Choice.of(connection, mark.number, selection)
            sought = (*choice.sought, hidden(held.c.topic_ref) == topic_ref)
            is_narrow = count_of(connection, select(held.c.number).where(*sought).limit(FEW)) < FEW
            meant = sought if is_narrow else (*choice.conditions, held.c.topic_ref == topic_ref)
            wanted = facts_and_text().where(*meant).order_by(held.c.number, held.c.place_offset).limit(limit)
            if after is not None:
                wanted = wanted.where(tuple_(held.c.number, held.c.place_offset) > tuple_(*after))
            return [indexed(row, topic) for row in connection.execute(wanted)]

    def groups(self, mark: IndexMark, topics: Sequence[str], selection: Selection) -> IndexedGroups:
        """One pass over `held_by_facts`, which has all that is counted."""
        with reading(self._look_engine) as connection:
            refs = {must_stand(connection, mark, topic): topic for topic in topics}
            return find_groups(connection, mark.number, refs, selection)
