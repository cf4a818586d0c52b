"""Until when held bytes are surely there: a table of settings and timestamps, with the reason for each row."""

from __future__ import annotations

import pytest
from replay_world import LANDING, QUARANTINE, ReplayWorld

from watermaster.quarantine.lifecycle import Step
from watermaster.quarantine.selection import Selection
from watermaster.runtime.hold_horizon import WARN_BEFORE_MS, HoldHorizon, OldestOpen
from watermaster.runtime.hold_survey import Survey

DAY_MS = 86_400_000
DELETES = {"cleanup.policy": "delete", "retention.ms": str(DAY_MS), "retention.bytes": "-1"}


def oldest(*offsets: int) -> OldestOpen:
    """Of a quarantine of which everything but `offsets` is discarded; timestamps are 7 ms."""
    world = ReplayWorld()
    for offset in range(3):
        world.hold(0, offset, b"held")
    kept = tuple(offset for offset in range(3) if offset not in offsets)
    world.run(world.order(Step.DISCARD), world.judgement(Selection(offsets=kept)).choice)
    found = OldestOpen()
    survey = Survey(world.reader, world.adoption, world.order().holds, world.clock.sleep)
    for record in survey.walk(QUARANTINE, [0], Selection(streams=(LANDING,))):
        found.see(record)
    return found


@pytest.mark.parametrize(
    ("settings", "horizon"),
    [
        (DELETES, HoldHorizon(QUARANTINE, 2, 7 + DAY_MS)),
        ({**DELETES, "retention.ms": "-1"}, HoldHorizon(QUARANTINE, 2, None)),  # for ever
        ({**DELETES, "retention.bytes": "5"}, HoldHorizon(QUARANTINE, 2, 7 + DAY_MS, by_size=True)),
        ({**DELETES, "cleanup.policy": "compact"}, HoldHorizon(QUARANTINE, 2, None)),  # nothing ages
        ({}, HoldHorizon(QUARANTINE, 2, None, known=False)),  # settings may not be read
    ],
)
def test_the_bound_by_a_topics_settings(settings: dict[str, str | None], horizon: HoldHorizon) -> None:
    assert oldest(1, 2).horizon(QUARANTINE, settings) == horizon


def test_what_has_ended_needs_no_bytes_any_more() -> None:
    assert oldest().counts == {}


def test_who_is_warned() -> None:
    far = HoldHorizon("q", 1, 10 * WARN_BEFORE_MS)
    assert not far.is_near(0)
    assert far.is_near(9 * WARN_BEFORE_MS + 1)
    assert HoldHorizon("q", 1, None, known=False).is_near(0)
    assert not HoldHorizon("q", 1, None).is_near(0)
