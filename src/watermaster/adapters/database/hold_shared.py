"""What many rows of an index share, by number: facts of held records, and texts of holds. Each stands once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select

from watermaster.adapters.database.hold_tables import hold_facts, hold_rule, hold_text
from watermaster.quarantine.fingerprint import fingerprint
from watermaster.quarantine.held import HeldRecord
from watermaster.quarantine.lifecycle import NEW_HOLD, Hold
from watermaster.quarantine.shared_facts import SharedFacts, encode_shared

KNOWN_MAX: Final = 20_000
"""Remembered by one process, about a kilobyte each: beyond that it begins anew."""
ASKED_AT_ONCE: Final = 200
"""Databases bound how many values one statement takes."""


class SharedTexts:
    """Gives numbers, and makes what is not there. `keep` once the transaction is committed; what is not kept is asked
    again.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, Any], int] = {}
        self._new: dict[tuple[int, Any], int] = {}

    def keep(self) -> None:
        """Remember what the transaction has found or made."""
        if len(self._known) + len(self._new) > KNOWN_MAX:
            self._known.clear()
        self._known.update(self._new)
        self._new.clear()

    def facts(self, connection: Connection, index: int, wanted: Mapping[SharedFacts, HeldRecord]) -> dict[Any, int]:
        """The number of each; with a record that has them, for the fingerprint."""
        self._new.clear()
        missing = {shared: record for shared, record in wanted.items() if (index, shared) not in self._known}
        if missing:
            rows = {digest_of(body := encode_shared(shared)): (shared, body) for shared in missing}
            found = _numbers(connection, hold_facts, index, rows)
            fresh = [digest for digest in rows if digest not in found]
            if fresh:
                columns = [_facts_row(index, digest, *rows[digest], missing[rows[digest][0]]) for digest in fresh]
                connection.execute(insert(hold_facts), columns)
                made = _numbers(connection, hold_facts, index, fresh)
                _put_rules(connection, {made[digest]: rows[digest][0] for digest in fresh})
                found |= made
            self._new.update({(index, rows[digest][0]): number for digest, number in found.items()})
        return {shared: self._known.get((index, shared)) or self._new[index, shared] for shared in wanted}

    def texts(self, connection: Connection, index: int, wanted: Iterable[Hold]) -> dict[Hold, int | None]:
        """The number of each; None for a new hold, of which there is nothing to say."""
        self._new.clear()
        written = [hold for hold in wanted if hold != NEW_HOLD]
        missing = [hold for hold in written if (index, hold) not in self._known]
        if missing:
            rows = {digest_of(body := msgspec.json.encode(hold)): (hold, body) for hold in missing}
            found = _numbers(connection, hold_text, index, rows)
            fresh = [digest for digest in rows if digest not in found]
            if fresh:
                columns = [{"index_ref": index, "digest": d, "body": rows[d][1].decode()} for d in fresh]
                connection.execute(insert(hold_text), columns)
                found |= _numbers(connection, hold_text, index, fresh)
            self._new.update({(index, rows[digest][0]): number for digest, number in found.items()})
        numbers: dict[Hold, int | None] = {NEW_HOLD: None}
        for hold in written:
            numbers[hold] = self._known.get((index, hold)) or self._new[index, hold]
        return numbers


def digest_of(body: bytes) -> str:
    """Names a text within its index."""
    return blake2b(body, digest_size=16).hexdigest()


def storable(text: str) -> str:
    """The text as every database keeps it: what others write may hold what theirs refuse."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _facts_row(index: int, digest: str, shared: SharedFacts, body: bytes, record: HeldRecord) -> dict[str, Any]:
    return {
        "index_ref": index,
        "digest": digest,
        "fingerprint": fingerprint(record),
        "stream": storable(shared.stream),
        "contract": storable(shared.contract or ""),
        "body": body.decode(),
    }


def _put_rules(connection: Connection, made: Mapping[int, SharedFacts]) -> None:
    rows = [
        {"facts_ref": number, "rule": rule}
        for number, shared in made.items()
        for rule in {storable(broken.rule) for broken in shared.broken}
    ]
    if rows:
        connection.execute(insert(hold_rule), rows)


def _numbers(connection: Connection, table: Any, index: int, digests: Iterable[str]) -> dict[str, int]:  # noqa: ANN401
    asked: Sequence[str] = list(digests)
    found: dict[str, int] = {}
    for begin in range(0, len(asked), ASKED_AT_ONCE):
        some = asked[begin : begin + ASKED_AT_ONCE]
        wanted = select(table.c.digest, table.c.id).where(table.c.index_ref == index, table.c.digest.in_(some))
        found.update((row.digest, row.id) for row in connection.execute(wanted))
    return found
