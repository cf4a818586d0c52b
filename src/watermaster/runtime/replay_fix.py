"""A fix in a replay: which held records it is for, and how it mends them before the contract in force judges."""

from __future__ import annotations

from functools import partial

from watermaster.auditor.content import OriginalHeaders
from watermaster.auditor.replay_content import Mended, Remedy
from watermaster.quarantine.fix.apply import Fixed, Unfixable, Untouched, apply_fix, is_meant
from watermaster.quarantine.fix.document import Fix
from watermaster.quarantine.held import HeldRecord, OriginalRecord
from watermaster.quarantine.lifecycle import Hold
from watermaster.quarantine.selection import Selection
from watermaster.runtime.replay_judgement import Amend, Amended
from watermaster.stream.coordinates import RESERVED_HEADER


def selection_of_fix(fix: Fix) -> Selection:
    """The records that the document selects."""
    chosen = fix.selection
    return Selection(
        groups=chosen.groups,
        rules=chosen.rules,
        partitions=chosen.partitions,
        since_ms=chosen.since_ms,
        until_ms=chosen.until_ms,
        predicate=None if chosen.where is None else partial(is_meant, fix),
    )


def amend_by(fix: Fix) -> Amend:
    """Mend by this fix. What it does not change goes on as it is and does not bear its name."""

    def amend(held: HeldRecord, hold: Hold, record: OriginalRecord, now_ms: int) -> Amended:
        del held, hold, now_ms
        match apply_fix(fix, record):
            case Fixed(mended):
                return Amended(mended, fix.label)
            case Unfixable(why):
                return Amended(record, trouble=why)
            case Untouched():
                return Amended(record)

    return amend


def remedy_of(fix: Fix) -> Remedy:
    """The fix as the auditor asks it: what it makes of a held record."""

    def mend(key: bytes | None, value: bytes | None, headers: OriginalHeaders) -> Mended | None:
        own = [header for header in headers if header[0] != RESERVED_HEADER]
        outcome = apply_fix(fix, OriginalRecord(key, value, own, -1))
        if not isinstance(outcome, Fixed):
            return None
        record = outcome.record
        return Mended(record.key, record.value, tuple(record.headers))

    return mend
