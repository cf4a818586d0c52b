"""The schemas that records name: asked for once, remembered for good, and asked for again now and then.

Invariant: an id means what it meant at first. A registry that tells another schema is not believed, and nothing that
names the id is judged until it tells the first one again.

What a registry cannot tell just now (down, slow, wrong) is waited for, unless it is remembered. An id that it does not
have is waited for too, since registries are filled by others; who has waited in vain lets records that name it be held,
and does not wait again soon: one producer of nonsense must not stop a stream for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from watermaster.contract.checks import Checks
from watermaster.gate.framed import Contents, FramedJudge, FramedReader, HeaderLists, Texts, is_framed, schema_ids
from watermaster.gate.judge import build_judge
from watermaster.gate.schema import Schema, SchemaId
from watermaster.gate.verdict import Judge
from watermaster.runtime.ports import Clock
from watermaster.runtime.schema_ports import SchemaMemory, SchemaRegistry
from watermaster.stream.fault import Fault, InternalFault, WorldFault

ASK_AGAIN_S: Final = 300.0
"""So old may an answer be; a registry that breaks its promise is found out in this time."""
TROUBLE_S: Final = 10.0
"""What is only remembered, since the registry could not be asked, is asked for again after this time."""
HANGING_S: Final = 1.0
"""After a question that failed in more than this, what is remembered is not asked for one by one: each would wait."""
PATIENCE_RENEWED_S: Final = 3600.0
"""So long after waiting in vain nobody waits for another unknown id."""
BACKOFF_S_MIN: Final = 0.5
BACKOFF_S_MAX: Final = 30.0
FETCH_S_MAX: Final = 20.0
"""One fetch takes no longer, whatever many ids it is for: a worker must give signs of life."""
IDS_MAX: Final = 10_000
"""Ids kept in mind; a stream has a few, unless someone tries."""

Report = Callable[[str, Fault | None], None]


@dataclass(frozen=True, slots=True)
class _Entry:
    schema: Schema | None
    fresh_until_s: float


class SchemaShelf:
    """Implements `SchemaSupply`, and is the `gate.schema.Lookup` of its judges. Single-threaded."""

    def __init__(
        self,
        registry: SchemaRegistry,
        memory: SchemaMemory,
        clock: Clock,
        *,
        unknown_wait_s: float,
        report: Report = lambda _name, _fault: None,
    ) -> None:
        """`report` is told of lasting conditions under which records are judged all the same."""
        self._registry = registry
        self._memory = memory
        self._clock = clock
        self._unknown_wait_s = unknown_wait_s
        self._report = report
        self._entries: dict[SchemaId, _Entry] = {}
        self._unknown_since_s: dict[SchemaId, float] = {}
        self._waited_in_vain_s: float | None = None
        self._reported: set[str] = set()
        self._failures = 0
        self._next_try_s = 0.0
        self._hangs_until_s = 0.0

    def lookup(self, schema_id: SchemaId) -> Schema | None:
        """A schema that was fetched; None if the registry surely does not have it."""
        entry = self._entries.get(schema_id)
        if entry is None:
            raise InternalFault(
                "WM-SCHEMA-ORDER", "a record was to be read before its schema was fetched", hint="Report this."
            )
        return entry.schema

    def pick(
        self, checks: Checks, keys: Contents, values: Contents, headers: HeaderLists
    ) -> Mapping[SchemaId, Schema | None]:
        """The schemas that some records name, for a process that asks nobody. Raises WorldFault."""
        ids = schema_ids(checks, keys, values, headers)
        self.fetch(ids)
        return {schema_id: self.lookup(schema_id) for schema_id in ids}

    def fetch(self, ids: Collection[SchemaId]) -> None:
        """See `SchemaSupply.fetch`."""
        if max(len(self._entries), len(self._unknown_since_s)) > IDS_MAX:
            self._entries.clear()
            self._unknown_since_s.clear()
        now_s = self._clock.monotonic_s()
        stale = [one for one in ids if one not in self._entries or self._entries[one].fresh_until_s <= now_s]
        if not stale:
            return
        try:
            self._ask_all(stale, now_s)
        except WorldFault:
            self._failures += 1
            pause_s = min(BACKOFF_S_MAX, BACKOFF_S_MIN * 2 ** min(self._failures, 10))
            self._next_try_s = self._clock.monotonic_s() + pause_s
            raise
        self._failures = 0

    def is_ready(self, ids: Collection[SchemaId]) -> bool:
        """See `SchemaSupply.is_ready`."""
        if self._clock.monotonic_s() < self._next_try_s:
            return False
        try:
            self.fetch(ids)
        except WorldFault:
            return False
        return True

    def _ask_all(self, ids: Collection[SchemaId], began_s: float) -> None:
        """All unknown ids are waited for at once; every other fault ends the asking."""
        unknown: WorldFault | None = None
        for schema_id in ids:
            now_s = self._clock.monotonic_s()
            if now_s - began_s > FETCH_S_MAX:
                raise _slow(len(ids))
            try:
                self._ask(schema_id, now_s)
            except UnknownSchema as fault:
                unknown = unknown or fault
        if unknown is not None:
            raise unknown

    def _ask(self, schema_id: SchemaId, now_s: float) -> None:
        before = self._entries.get(schema_id)
        remembered = before.schema if before is not None and before.schema else self._memory.recall(schema_id)
        if remembered is not None and now_s < self._hangs_until_s:
            self._entries[schema_id] = _Entry(remembered, self._hangs_until_s)
            return
        try:
            schema = self._registry.schema(schema_id)
        except WorldFault as fault:
            if remembered is None:
                raise
            self._tell("registry", fault)
            ended_s = self._clock.monotonic_s()
            if ended_s - now_s > HANGING_S:
                self._hangs_until_s = ended_s + TROUBLE_S
            self._entries[schema_id] = _Entry(remembered, ended_s + TROUBLE_S)
            return
        self._tell("registry", None)
        if schema is None:
            self._take_unknown(schema_id, remembered, now_s)
        else:
            self._take(schema_id, schema, remembered, now_s)

    def _take(self, schema_id: SchemaId, schema: Schema, remembered: Schema | None, now_s: float) -> None:
        if remembered is None:
            self._memory.remember(schema_id, schema)
        elif remembered.fingerprint() != schema.fingerprint():
            self._entries.pop(schema_id, None)
            raise _changed(schema_id)
        self._tell(f"schema:{schema_id}", None)
        self._unknown_since_s.pop(schema_id, None)
        self._entries[schema_id] = _Entry(schema, now_s + ASK_AGAIN_S)

    def _take_unknown(self, schema_id: SchemaId, remembered: Schema | None, now_s: float) -> None:
        if remembered is not None:
            self._tell(f"schema:{schema_id}", _gone(schema_id))
            self._entries[schema_id] = _Entry(remembered, now_s + ASK_AGAIN_S)
            return
        since_s = self._unknown_since_s.setdefault(schema_id, now_s)
        if now_s - since_s >= self._unknown_wait_s:
            self._waited_in_vain_s = now_s
        elif self._waited_in_vain_s is None or now_s - self._waited_in_vain_s > PATIENCE_RENEWED_S:
            raise _unknown(schema_id, self._unknown_wait_s)
        self._entries[schema_id] = _Entry(None, now_s + ASK_AGAIN_S)

    def _tell(self, name: str, fault: Fault | None) -> None:
        if fault is not None:
            self._reported.add(name)
        elif name not in self._reported:
            return
        else:
            self._reported.discard(name)
        self._report(name, fault)


class FetchingReader:
    """A `TextReader` that fetches what it needs. Raises WorldFault where a schema cannot be had."""

    def __init__(self, checks: Checks, shelf: SchemaShelf) -> None:
        self._checks = checks
        self._shelf = shelf
        self._reader = FramedReader(checks, shelf.lookup)

    def read(self, keys: Contents, values: Contents, headers: HeaderLists) -> Texts:
        """See `FramedReader.read`."""
        self._shelf.fetch(schema_ids(self._checks, keys, values, headers))
        return self._reader.read(keys, values, headers)


def fetching_judge(checks: Checks, shelf: SchemaShelf) -> Judge:
    """The judge of a contract over records as they stand on the stream, for who may wait for a registry."""
    judge = build_judge(checks)
    return FramedJudge(FetchingReader(checks, shelf), judge) if is_framed(checks) else judge


class UnknownSchema(WorldFault):
    """The registry does not have an id, and may come to have it."""


def _unknown(schema_id: SchemaId, wait_s: float) -> WorldFault:
    return UnknownSchema(
        "WM-SCHEMA-UNKNOWN",
        f"the registry does not know the schema {schema_id} that records name; they wait for it",
        hint="Is it the registry that the producer uses, and is it complete? "
        f"After {wait_s:.0f} s (unknown_wait_ms) such records are held.",
        retriable=True,
    )


def _changed(schema_id: SchemaId) -> WorldFault:
    return WorldFault(
        "WM-SCHEMA-CHANGED",
        f"the registry tells another schema for {schema_id} than before; ids never change their meaning, so no record "
        "that names it is judged",
        hint="Restore the registry. If it was set up anew on purpose, stop the gate, remove what is remembered "
        "(`schemas` in the state directory), and start it again.",
        retriable=True,
    )


def _gone(schema_id: SchemaId) -> WorldFault:
    return WorldFault(
        "WM-SCHEMA-GONE",
        f"the registry does not know the schema {schema_id} any more; records are read by what is remembered of it",
        hint="Register it again: other readers, and a gate on another machine, cannot read these records.",
        retriable=True,
    )


def _slow(count: int) -> WorldFault:
    return WorldFault(
        "WM-REGISTRY-SLOW",
        f"the registry needs more than {FETCH_S_MAX:.0f} s to tell {count} schemas",
        hint="Look at the registry and the network.",
        retriable=True,
    )
