"""The tables. An incident is one JSON document beside the few columns that are asked by."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata: Final = MetaData()

incident: Final = Table(
    "incident",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("problem", Text, nullable=False),
    Column("resolved_ms", BigInteger),
    Column("body", Text, nullable=False),
)
Index(
    "one_open_incident_per_problem",
    incident.c.problem,
    unique=True,
    sqlite_where=incident.c.resolved_ms.is_(None),
    postgresql_where=incident.c.resolved_ms.is_(None),
)

pending: Final = Table(
    "pending",
    metadata,
    Column("problem", Text, primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
)

page: Final = Table(
    "page",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dedup_key", Text, nullable=False),
    Column("incident", Integer, nullable=False),
    Column("route", Text, nullable=False),
    Column("happening", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_ms", BigInteger),
    UniqueConstraint("dedup_key", name="one_page_per_key"),
)

check_run: Final = Table(
    "check_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("stream", Text, nullable=False),
    Column("body", Text, nullable=False),
)
Index("newest_run_of_a_stream", check_run.c.stream, check_run.c.id)

budget_slot: Final = Table(
    "budget_slot",
    metadata,
    Column("objective", Text, primary_key=True),
    Column("width_ms", BigInteger, primary_key=True),
    Column("start_ms", BigInteger, primary_key=True),
    Column("bad", Double, nullable=False),
    Column("seen", Double, nullable=False),
)

hour_count: Final = Table(
    "hour_count",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("records", Double, nullable=False),
)

profile_hour: Final = Table(
    "profile_hour",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("changed", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

route_trial: Final = Table(
    "route_trial",
    metadata,
    Column("route", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("refused", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
)

lease: Final = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
)

note: Final = Table(
    "note",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("text", Text, nullable=False),
)

silence: Final = Table(
    "silence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pattern", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
)
