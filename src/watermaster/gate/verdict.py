"""What the gate says of one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from watermaster.stream.batch import RawHeaders


class Outcome(Enum):
    """What happens to a record: forwarded, kept in quarantine, or dropped by a rule and counted."""

    PASS = "pass"
    HOLD = "hold"
    DROP = "drop"


class Severity(Enum):
    """`ERROR` holds the record (or drops it, if the rule says so); `WARNING` and `INFO` only count."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One reason. `rule` is the stable id of the check or rule, `path` the field (`$` is the whole record).

    `code` is the stable reason code of the documentation (for instance `json.duplicate_key`, `type.mismatch`).
    `message` says what the rule asks and what kind of thing was found, and never repeats a value from the record.
    """

    rule: str
    path: str
    code: str
    message: str
    severity: Severity = Severity.ERROR

    def __hash__(self) -> int:
        """Of what differs between reasons: they are counted by the million."""
        return hash((self.rule, self.code))


@dataclass(frozen=True, slots=True)
class Verdict:
    """A function of record, contract and the transaction's `now`; `operational` marks the exceptions to that.

    Operational verdicts (watchdog, native crash, what the client cannot carry) say that the record could not be
    judged or forwarded here; they are outside the promise that a verdict is the same everywhere.
    """

    outcome: Outcome
    broken: tuple[BrokenRule, ...] = ()
    operational: bool = False


PASSED = Verdict(Outcome.PASS)


class Judge(Protocol):
    """A compiled contract. Implementations hold no state that changes a verdict."""

    def judge(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        now_ms: int,
        headers: Sequence[RawHeaders | None] | None = None,
    ) -> dict[int, Verdict]:
        """Verdicts by index, only for records that do not simply pass (held, dropped, or passed with warnings).

        Headers may name the schema that a record was written with; nothing else is read of them.

        `now_ms` is milliseconds since the epoch, one value for the whole transaction. Never raises for bad data.
        """
        ...
