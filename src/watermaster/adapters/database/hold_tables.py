"""The tables of the index of held records. What many records share stands once, in `hold_facts` and `hold_text`.

`held` is wide in rows and narrow in columns: ten million of them are what it is made for. Its order is that of the
log. `held_by_facts` answers for groups without a look at the rows; `held_by_source` finds a record by its coordinates.
Records come in the order of their source, so all three grow at their ends.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text, UniqueConstraint, literal_column

from watermaster.adapters.database.tables import metadata
from watermaster.quarantine.group import BUCKET_MS_MIN
from watermaster.quarantine.lifecycle import State

STATE_NUMBERS: Final = {
    State.OPEN: 0,
    State.FIXED: 1,
    State.REPLAYED: 2,
    State.DISCARDED: 3,
    State.EXPIRED: 4,
}
"""As they stand in `held.state`."""

ALONE, FIRST, REPEAT = 0, 1, 2
"""Of `held.sight`: cannot stand twice; may, and is the first one; has the coordinates of one before it."""

SLOT_MS: Final = BUCKET_MS_MIN
"""Width of `held.slot`: the finest column of a plot. -1 for records without a time."""

hold_index: Final = Table(
    "hold_index",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cluster_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("reading", Text, nullable=False),
    Column("dropped", SmallInteger, nullable=False),
)
Index(
    "one_index_of_a_quarantine",
    hold_index.c.cluster_id,
    hold_index.c.name,
    unique=True,
    sqlite_where=hold_index.c.dropped == 0,
    postgresql_where=hold_index.c.dropped == 0,
)

hold_topic: Final = Table(
    "hold_topic",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("index_ref", Integer, nullable=False),
    Column("topic", Text, nullable=False),
    Column("topic_id", Text, nullable=False),
    Column("holds", SmallInteger, nullable=False),
    UniqueConstraint("index_ref", "topic", name="one_row_of_a_topic"),
)

hold_position: Final = Table(
    "hold_position",
    metadata,
    Column("topic_ref", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)

hold_facts: Final = Table(
    "hold_facts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("index_ref", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("contract", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("index_ref", "digest", name="facts_stand_once"),
)
Index("facts_of_a_group", hold_facts.c.index_ref, hold_facts.c.fingerprint)

hold_rule: Final = Table(
    "hold_rule",
    metadata,
    Column("facts_ref", Integer, primary_key=True),
    Column("rule", Text, primary_key=True),
)

hold_text: Final = Table(
    "hold_text",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("index_ref", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("index_ref", "digest", name="texts_stand_once"),
)

hold_unread: Final = Table(
    "hold_unread",
    metadata,
    Column("topic_ref", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("place_offset", BigInteger, primary_key=True),
)

held: Final = Table(
    "held",
    metadata,
    Column("topic_ref", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("place_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("index_ref", Integer, nullable=False),
    Column("facts_ref", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("sight", SmallInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("source_partition", BigInteger, nullable=False),
    Column("source_offset", BigInteger, nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("key_hash", BigInteger, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("key_bytes", BigInteger, nullable=False),
    Column("value_bytes", BigInteger, nullable=False),
    Column("header_count", BigInteger, nullable=False),
    Column("landed_ms", BigInteger, nullable=False),
    Column("stored_ms", BigInteger, nullable=False),
    Column("text_ref", Integer),
    sqlite_with_rowid=False,
)
stands_again: Final = held.c.sight == literal_column(str(REPEAT))
"""Written out: SQLite finds `held_again` by a number that it can read, and not by one that is bound later."""
held_by_facts: Final = Index(
    "held_by_facts",
    held.c.index_ref, held.c.state, held.c.facts_ref, held.c.slot, held.c.source_partition, held.c.topic_ref,
    held.c.sight, held.c.landed_ms, held.c.value_bytes, held.c.stored_ms, held.c.number, held.c.place_offset,
)  # fmt: skip
held_by_source: Final = Index(
    "held_by_source", held.c.index_ref, held.c.source_partition, held.c.source_offset, held.c.key_hash
)
Index(
    "held_again",
    held.c.index_ref,
    held.c.topic_ref,
    sqlite_where=held.c.sight == REPEAT,
    postgresql_where=held.c.sight == REPEAT,
)
