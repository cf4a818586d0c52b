"""How much is measured: the sizes of a full and of a quick run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Counts of records and repetitions; durations in seconds."""

    records: int
    """Moved in each turn of a transfer."""
    held_records: int
    """The same where much of it is held, which is slower."""
    rounds: int
    """Turns of each contestant; the medians of them count."""
    decide_records: int
    decide_turns: int
    latency_s: int
    latency_rounds: int
    kills: int
    audits: int
    peer_records: int
    """Moved by the streaming library, which is slower; what counts is per record."""
    starts: int
    every_extra: bool
    """Install each extra and not the base alone."""
    check_rows: int
    """Rows of the files that are checked, here and by peers."""
    check_rows_few: int
    """Rows of the smaller ones, for memory."""
    check_rounds: int
    watched_partitions: int
    watched_groups: int
    index_rows: int
    """Held records in an index that is looked at."""
    horizon_turns: int
    """Topics of each segment length whose records are lost."""
    check_peers: bool = True
    """Without them nothing has to be installed."""


FULL = Scale(
    records=400_000,
    held_records=200_000,
    rounds=3,
    decide_records=20_000,
    decide_turns=15,
    latency_s=10,
    latency_rounds=2,
    kills=3,
    audits=2,
    peer_records=100_000,
    starts=7,
    every_extra=True,
    check_rows=5_000_000,
    check_rows_few=1_000_000,
    check_rounds=2,
    watched_partitions=10_000,
    watched_groups=1_000,
    index_rows=10_000_000,
    horizon_turns=5,
)
QUICK = Scale(
    records=60_000,
    held_records=60_000,
    rounds=1,
    decide_records=4_000,
    decide_turns=5,
    latency_s=3,
    latency_rounds=1,
    kills=1,
    audits=1,
    peer_records=20_000,
    starts=3,
    every_extra=False,
    check_rows=100_000,
    check_rows_few=20_000,
    check_rounds=1,
    watched_partitions=500,
    watched_groups=50,
    index_rows=200_000,
    horizon_turns=1,
)
