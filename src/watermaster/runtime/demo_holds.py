"""What the demonstration shows of held records, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from watermaster.quarantine.fix.difference import DifferenceLine
from watermaster.quarantine.group import Groups, plot
from watermaster.runtime.replay_plan import ReplayPlan

SHORT: Final = 8
"""Characters of a fingerprint that people see and type: as in version control, enough among a few hundred."""
PLOT_COLUMNS: Final = 16


@dataclass(frozen=True, slots=True)
class HoldGroup:
    """Held records that fail alike."""

    fingerprint: str
    records: int
    over_time: str
    """A line of bars."""
    title: str

    @property
    def short(self) -> str:
        """What a person types to mean it."""
        return self.fingerprint[:SHORT]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a replay of one group would do under the contract in force."""

    command: str
    matched: int
    passing: int
    target: str
    activation: int
    still_broken: Mapping[str, int]
    """Rule to the records that still break it."""


@dataclass(frozen=True, slots=True)
class Mending:
    """One group mended by a fix, replayed, and audited. `changes` are lines of one record's difference.

    `held`, `still_open` and `replayed` are the audit's; `group_open` is what is left of the group.
    """

    fix: str
    command: str
    group: str
    matched: int
    passing: int
    changes: tuple[DifferenceLine, ...]
    replayed: int
    group_open: int
    held: int
    still_open: int
    proved: int
    """Replays that the auditor has proved to be byte for byte what the fix makes."""
    closes: bool


@dataclass(frozen=True, slots=True)
class HoldsShown:
    """Groups, the largest first, a dry run of that one, and one that a fix mends."""

    groups: tuple[HoldGroup, ...]
    dry_run: DryRun | None
    mending: Mending | None = None


def hold_groups(groups: Groups) -> tuple[HoldGroup, ...]:
    """Tallies as they are shown."""
    return tuple(
        HoldGroup(tally.fingerprint, tally.count, plot(tally.timeline.columns(PLOT_COLUMNS)), tally.title)
        for tally in groups.largest()
    )


def dry_run_of(plan: ReplayPlan, group: HoldGroup) -> DryRun:
    """A plan as it is shown."""
    return DryRun(
        command=f"watermaster quarantine replay --group {group.short}",
        matched=plan.matched,
        passing=plan.passing,
        target=plan.target,
        activation=plan.activation,
        still_broken=dict(plan.tally.rules.most_common()),
    )
