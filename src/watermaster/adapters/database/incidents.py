"""The store of incidents and pages over either database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from watermaster.adapters.database.engine import transaction
from watermaster.adapters.database.tables import incident, lease, note, page, pending, silence
from watermaster.incident.incident import Incident
from watermaster.incident.paging import Happening, Silence
from watermaster.runtime.incident_ports import Change, Memory, Message, Note, Step

LEASE: Final = "monitor"
NOTES_MAX: Final = 1_000
"""Of the time that a step remembers; more are not read."""


class DatabaseIncidents:
    """An `IncidentStore`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def lead(self, holder: str, now_ms: int, until_ms: int) -> bool:
        """Take or keep the lease, if nobody else has it."""
        with transaction(self._engine) as connection:
            held = connection.execute(select(lease).where(lease.c.name == LEASE)).one_or_none()
            if held is None:
                connection.execute(insert(lease).values(name=LEASE, holder=holder, until_ms=until_ms))
                return True
            if held.holder != holder and held.until_ms > now_ms:
                return False
            connection.execute(update(lease).where(lease.c.name == LEASE).values(holder=holder, until_ms=until_ms))
            return True

    def change(self, step: Step, *, since_ms: int, holder: str | None = None) -> Change | None:
        """Load, run the step, store; all in one transaction."""
        with transaction(self._engine) as connection:
            if holder is not None and _leader(connection) != holder:
                return None
            changed = step(_recall(connection, since_ms))
            _store(connection, changed)
            return changed

    def listed(self, *, resolved: bool, limit: int) -> Sequence[Incident]:
        """The newest first."""
        wanted = select(incident.c.body).order_by(incident.c.number.desc()).limit(limit)
        if not resolved:
            wanted = wanted.where(incident.c.resolved_ms.is_(None))
        with transaction(self._engine) as connection:
            return [_incident(row.body) for row in connection.execute(wanted)]

    def found(self, number: int) -> Incident | None:
        """One incident, or None."""
        with transaction(self._engine) as connection:
            body = connection.scalar(select(incident.c.body).where(incident.c.number == number))
        return None if body is None else _incident(body)

    def due(self, now_ms: int) -> Sequence[Message]:
        """The oldest unsent page of each incident and route, if its time has come."""
        oldest = select(func.min(page.c.id)).where(page.c.sent_ms.is_(None)).group_by(page.c.incident, page.c.route)
        wanted = select(page).where(page.c.id.in_(oldest), page.c.due_ms <= now_ms).order_by(page.c.id)
        with transaction(self._engine) as connection:
            return [_message(row) for row in connection.execute(wanted)]

    def sent(self, message: Message, now_ms: int) -> None:
        """Never sent again."""
        with transaction(self._engine) as connection:
            connection.execute(update(page).where(page.c.id == message.id).values(sent_ms=now_ms))

    def failed(self, message: Message, again_ms: int) -> None:
        """Due again later."""
        values = {"due_ms": again_ms, "attempts": page.c.attempts + 1}
        with transaction(self._engine) as connection:
            connection.execute(update(page).where(page.c.id == message.id).values(values))

    def waiting(self) -> int:
        """Pages that have not arrived."""
        with transaction(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(page).where(page.c.sent_ms.is_(None))) or 0


def _leader(connection: Connection) -> str | None:
    return connection.scalar(select(lease.c.holder).where(lease.c.name == LEASE))


def _recall(connection: Connection, since_ms: int) -> Memory:
    lately = (incident.c.resolved_ms.is_(None)) | (incident.c.resolved_ms >= since_ms)
    bodies = connection.scalars(select(incident.c.body).where(lately).order_by(incident.c.number)).all()
    arrived = (
        select(page.c.incident, func.min(page.c.sent_ms).label("first_ms"))
        .where(page.c.happening == Happening.TRIGGER.value, page.c.sent_ms.is_not(None))
        .where(page.c.incident.in_(select(incident.c.number).where(lately)))
        .group_by(page.c.incident)
    )
    notes = select(note).where(note.c.at_ms >= since_ms).order_by(note.c.at_ms.desc()).limit(NOTES_MAX)
    return Memory(
        incidents=tuple(_incident(body) for body in bodies),
        pending={row.problem: row.since_ms for row in connection.execute(select(pending))},
        silences=tuple(
            Silence(row.pattern, row.until_ms, row.who, row.why)
            for row in connection.execute(select(silence).where(silence.c.until_ms >= since_ms))
        ),
        notes=tuple(Note(row.at_ms, row.kind, row.pattern, row.who, row.text) for row in connection.execute(notes)),
        next_number=(connection.scalar(select(func.max(incident.c.number))) or 0) + 1,
        notified={row.incident: row.first_ms for row in connection.execute(arrived)},
    )


def _store(connection: Connection, change: Change) -> None:
    for changed in change.incidents:
        columns = {"problem": changed.key, "resolved_ms": changed.resolved_ms, "body": _body(changed)}
        done = connection.execute(update(incident).where(incident.c.number == changed.number).values(columns))
        if done.rowcount == 0:
            connection.execute(insert(incident).values(number=changed.number, **columns))
    if change.pending is not None:
        connection.execute(delete(pending))
        for problem, since_ms in change.pending.items():
            connection.execute(insert(pending).values(problem=problem, since_ms=since_ms))
    for message in change.messages:
        connection.execute(insert(page).values(_page(message)))
    for noted in change.notes:
        connection.execute(insert(note).values(_columns(noted)))
    for silenced in change.silences:
        connection.execute(insert(silence).values(_columns(silenced)))


def _page(message: Message) -> dict[str, Any]:
    return {
        "dedup_key": message.dedup_key,
        "incident": message.incident.number,
        "route": message.route,
        "happening": message.happening.value,
        "body": _body(message.incident),
        "due_ms": 0,
        "attempts": 0,
    }


def _message(row: Row[Any]) -> Message:
    return Message(row.dedup_key, row.route, Happening(row.happening), _incident(row.body), row.id, row.attempts)


def _columns(value: Note | Silence) -> dict[str, Any]:
    columns: dict[str, Any] = msgspec.to_builtins(value)
    return columns


def _body(value: Incident) -> str:
    return msgspec.json.encode(value).decode()


def _incident(body: str) -> Incident:
    return msgspec.json.decode(body, type=Incident)
