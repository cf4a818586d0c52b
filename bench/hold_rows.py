"""Held records by the million, written straight into an index of SQLite; and what is measured in a process of its own.

    python -m bench.hold_rows look DIRECTORY        looks at the index in a directory
    python -m bench.hold_rows read CONFIG GATE      reads the topics of a quarantine, and keeps nothing
    python -m bench.hold_rows put DATABASE ANOTHER  puts the rows of an index into another file, and nothing else

Each prints a line of JSON.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, text

from watermaster.adapters.database.engine import FILE, open_database, writing
from watermaster.adapters.database.hold_index import DatabaseHoldIndex
from watermaster.adapters.database.hold_tables import SLOT_MS
from watermaster.adapters.files.configuration_file import load_configuration
from watermaster.gate.verdict import BrokenRule
from watermaster.quarantine.held import Facets, HeldRecord, Payload
from watermaster.quarantine.hold_key import HoldKey
from watermaster.quarantine.letter import Dialect, Origin
from watermaster.quarantine.lifecycle import State
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_index import BATCH
from watermaster.runtime.hold_index_ports import HeldBatch, HeldFact, IndexMark, IndexSubject
from watermaster.stream.coordinates import TopicPartition
from watermaster.wiring.quarantine import open_desk, walk_held

TOPIC: Final = "dlq.orders"
PARTITIONS: Final = 12
RULES: Final = 12
PRODUCERS: Final = 3
BEGAN_MS: Final = 1_700_000_000_000
SPAN_MS: Final = 86_400_000
"""All that is held came within a day."""
RARE: Final = 5
"""Records of one group that nearly nobody is in."""
OPEN: Final = Selection(states=(State.OPEN, State.FIXED))
PIECE: Final = 250_000
LOOKS: Final = 5
_SUBJECT: Final = IndexSubject("bench", "orders", "bench", {TOPIC: "id"}, None)

_FILL: Final = text(
    """
    WITH RECURSIVE numbers(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :last)
    INSERT INTO held
    SELECT topic_ref, :number, i, index_ref, facts_ref, CASE WHEN i % 20 = 19 THEN 2 ELSE 0 END, sight,
        (:began + i * :step + :number) / :slot, :number, i * 3, 0, i * 7919 + :number, 0, 9, 400 + i % 200, 4,
        :began + i * :step + :number, :began + i * :step + :number, NULL
    FROM numbers JOIN held ON topic_ref = :topic AND number = :templates
        AND place_offset = (i * 2654435761 >> 7) % :kinds
    """
)
"""Which facts a record shares is scattered, as failures are."""


def record(rule: int, producer: int, number: int, offset: int) -> HeldRecord:
    """One that a gate holds."""
    return HeldRecord(
        key=HoldKey("bench", "landing-id", number, offset, 0, "orders"),
        place=TopicPartition(TOPIC, number),
        place_offset=offset,
        dialect=Dialect.GATE,
        origin=Origin("orders", number, offset),
        attempt=0,
        contract="sha256:" + "a" * 64,
        activation=3,
        broken=(BrokenRule(f"rule-{rule}", f"$.items.field{rule}", "range", "must be at least 0"),),
        broken_more=0,
        failure=None,
        operational=False,
        payload=Payload.WHOLE,
        reference=None,
        key_bytes=9,
        value_bytes=500,
        header_count=4,
        landed_ms=BEGAN_MS,
        facets=Facets(f"shop-{producer}", "", "1.2", ""),
    )


def fill(directory: Path, rows: int) -> float:
    """Seconds that it took. A few templates are put as an indexer puts them; the rest is made of them in SQL."""
    began_s = time.monotonic()
    engine = open_database("", directory)
    store = DatabaseHoldIndex(engine)
    mark = store.resume(_SUBJECT)
    kinds = [(rule, producer) for rule in range(RULES) for producer in range(PRODUCERS)]
    made = [record(*kind, PARTITIONS, offset) for offset, kind in enumerate(kinds)]
    made += [record(RULES, 0, PARTITIONS, len(kinds) + at) for at in range(RARE)]
    store.put_held(mark, HeldBatch(TopicPartition(TOPIC, PARTITIONS), 0, len(made), [HeldFact(one, 0) for one in made]))
    for number in range(PARTITIONS):
        _fill_partition(engine, number, rows // PARTITIONS, len(kinds))
    store.close()
    return time.monotonic() - began_s


def _fill_partition(engine: Engine, number: int, count: int, kinds: int) -> None:
    for first in range(0, count, PIECE):
        with writing(engine) as connection:
            values = {
                "first": first,
                "last": min(count, first + PIECE),
                "number": number,
                "began": BEGAN_MS,
                "step": max(1, SPAN_MS // count),
                "slot": SLOT_MS,
                "topic": 1,
                "templates": PARTITIONS,
                "kinds": kinds,
            }
            connection.execute(_FILL, values)


def look(directory: Path) -> dict[str, Any]:
    """Medians of several looks each."""
    store = DatabaseHoldIndex(open_database("", directory))
    mark = store.resume(_SUBJECT)
    total = store.counts(mark)[TOPIC]
    groups = store.groups(mark, [TOPIC], OPEN)
    common, rare = groups.tallies[0], groups.tallies[-1]
    deep = (PARTITIONS - 1, total // PARTITIONS - 100)
    asked: dict[str, Callable[[], Any]] = {
        "groups": lambda: store.groups(mark, [TOPIC], OPEN),
        "groups of one rule": lambda: store.groups(mark, [TOPIC], Selection(rules=("rule-3",), states=OPEN.states)),
        "first page": lambda: store.page(mark, TOPIC, OPEN, None, 50),
        "deep page": lambda: store.page(mark, TOPIC, OPEN, deep, 50),
        "page of a common group": lambda: store.page(mark, TOPIC, Selection(groups=(common.fingerprint,)), deep, 50),
        "page of a rare group": lambda: store.page(mark, TOPIC, Selection(groups=(rare.fingerprint,)), None, 50),
        f"{BATCH:,} records more": lambda: _put_more(store, mark),
        "one record": lambda: store.page(mark, TOPIC, Selection(partitions=(7,), offsets=(300,)), None, 2),
    }
    seconds = {what: statistics.median(_timed(question) for _ in range(LOOKS)) for what, question in asked.items()}
    return {
        "rows": total,
        "groups": len(groups.tallies),
        "open": sum(tally.count for tally in groups.tallies),
        "rare": len(asked["page of a rare group"]()),
        "one": len(asked["one record"]()),
        "seconds": seconds,
    }


def _put_more(store: DatabaseHoldIndex, mark: IndexMark) -> None:
    """A batch behind what is there, as an indexer puts it."""
    where = TopicPartition(TOPIC, PARTITIONS)
    begin = store.positions(mark)[where]
    facts = [HeldFact(record(at % RULES, 0, PARTITIONS, at), 0) for at in range(begin, begin + BATCH)]
    assert store.put_held(mark, HeldBatch(where, begin, begin + BATCH, facts))


def _timed(question: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    question()
    return time.perf_counter() - began_s


def read(config: Path, gate: str) -> dict[str, Any]:
    """Every held record with its state, as a look without an index does."""
    configuration = load_configuration(config)
    with open_desk(configuration, gate) as desk:
        began_s = time.monotonic()
        records = sum(1 for _ in walk_held(desk, desk.gate.streams, Selection()))
        return {"records": records, "seconds": time.monotonic() - began_s}


def put(database: Path, another: Path) -> dict[str, Any]:
    """The same rows in the same transactions into the same table, by the driver alone."""
    with closing(sqlite3.connect(database)) as source:
        rows = source.execute("SELECT * FROM held").fetchall()
    open_database("", another).dispose()
    statement = f"INSERT INTO held VALUES ({', '.join('?' * len(rows[0]))})"
    with closing(sqlite3.connect(another / FILE, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = FULL")
        began_s = time.monotonic()
        for first in range(0, len(rows), BATCH):
            target.execute("BEGIN IMMEDIATE")
            target.executemany(statement, rows[first : first + BATCH])
            target.execute("COMMIT")
        return {"records": len(rows), "seconds": time.monotonic() - began_s}


def main(what: str, *arguments: str) -> dict[str, Any]:
    """One of the three."""
    match what, arguments:
        case "look", (directory,):
            return look(Path(directory))
        case "read", (config, gate):
            return read(Path(config), gate)
        case "put", (database, another):
            return put(Path(database), Path(another))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")
