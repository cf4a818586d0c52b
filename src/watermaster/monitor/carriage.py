"""How long records take from landing to the gate's ledger: counts that add up, and quantiles of them.

Nothing is written for it. A gate writes its ledger record as the last thing before it commits, so that record's time
less the time of the first record in its range is how long that one has taken, but for the commit itself; of all records
of the transaction it has waited longest. The first time is the broker's where landing has LogAppendTime, else the
producer's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

STEPS: Final = 4
"""Buckets for each doubling: a bucket's upper end is at most a fifth above what is in it."""

UPPER_MAX: Final = 200
"""2**50 ms are longer than there is Kafka."""


def bucket_of(wait_ms: int) -> int:
    """The number of the bucket; 0 has everything up to a millisecond, also what seems to come before it was there."""
    return min(UPPER_MAX, math.ceil(STEPS * math.log2(wait_ms))) if wait_ms > 1 else 0


def upper_ms(bucket: int) -> int:
    """The longest wait that is in a bucket."""
    return math.floor(2 ** (bucket / STEPS) + 1e-9)


def quantile_ms(waits: Mapping[int, int], share: float) -> int | None:
    """At most so long for a share of the waits; None for none. `waits` is by bucket."""
    total, seen = sum(waits.values()), 0
    for bucket in sorted(waits):
        seen += waits[bucket]
        if seen >= share * total:
            return upper_ms(bucket)
    return None


@dataclass(frozen=True, slots=True)
class Carried:
    """What was measured of one stream lately. `appended`: the times of landing are the broker's; None: not known."""

    cluster: str
    gate: str
    topic: str
    appended: bool | None
    waits: Mapping[int, int]
