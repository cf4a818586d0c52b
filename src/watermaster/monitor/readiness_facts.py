"""What readiness is judged from, and what it finds: facts about a topic, its cluster, and who looks after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from watermaster.monitor.retention import Retention, read_retention

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


class Severity(Enum):
    """How much stands against a stream; `UNKNOWN` is never good, `MET` is told because somebody would ask."""

    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    ADVICE = "advice"
    MET = "met"


@dataclass(frozen=True, slots=True)
class ReadinessFinding:
    """One thing that does not fit: what, why it matters, and what to do about it."""

    rule: str
    severity: Severity
    message: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class InternalTopic:
    """A topic of Kafka itself. `replication` and `in_sync_min` None: it could not be seen."""

    name: str
    keeps: str
    """What is gone if it is gone."""
    replication: int | None
    in_sync_min: int | None


@dataclass(frozen=True, slots=True)
class Transactions:
    """What the gate that carries the stream asks of transactions, in milliseconds; the bound None: not seen."""

    timeout_ms: int
    timeout_ms_max: int | None


@dataclass(frozen=True, slots=True)
class Standby:
    """Other clusters of the same environment: those that could be looked at, copies there, and what was not seen."""

    looked: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuarantineTopic:
    """Where what is held of the stream waits. `settings` None: they could not be seen."""

    name: str
    exists: bool
    settings: Mapping[str, str] | None
    wider_readers: tuple[str, ...] = ()
    """Principals that may read it and may not read the stream."""


@dataclass(frozen=True, slots=True)
class AlertRoute:
    """A route of the configuration; `tested_ms` is how long ago it was tried as it is now, None: never."""

    name: str
    tested_ms: int | None = None
    refused: str = ""
    """Why the trial did not arrive; empty if it did."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known about a topic's cluster.

    `settings` are those in force, or of a topic that is not there yet those that it would be created with; None: they
    could not be seen. `readers` are the principals that an ACL lets read the topic; None: ACLs could not be seen.
    """

    brokers: int
    exists: bool
    replication: int | None
    settings: Mapping[str, str] | None
    encrypted: bool
    login: bool
    readers: tuple[str, ...] | None
    outage_ms: int
    """The longest outage of a reader that is to be survived."""
    routes: tuple[AlertRoute, ...] | None
    """None: whether they were tried could not be read."""
    standby: Standby
    quarantine: QuarantineTopic | None
    """None: neither a gate nor an adopted dead-letter topic holds records of the stream."""
    internals: tuple[InternalTopic, ...] = ()
    transactions: Transactions | None = None
    """None: no gate carries the stream."""
    detects_ms: int = 0
    """How long a problem lasts before `monitor` opens an incident."""
    auto_create: bool = False
    """Whether whoever asks for a topic that is not there creates it."""

    @property
    def retention(self) -> Retention | None:
        """How long records are kept; None: not known."""
        return None if self.settings is None else read_retention(self.settings)

    def set(self, setting: str) -> str:
        """Where to give a setting: on the topic, or when it is created."""
        return f"Set {setting} on the topic." if self.exists else f"Create the topic with {setting}."

    @property
    def by_default(self) -> str:
        """Said behind a value that nobody has chosen yet."""
        return "" if self.exists else " by the brokers' defaults"


def hours(ms: int) -> str:
    """A length of time as contracts speak of it."""
    return f"{ms / HOUR_MS:g} h" if ms >= HOUR_MS else f"{ms / 1000:g} s"
