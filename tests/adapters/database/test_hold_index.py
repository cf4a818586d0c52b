"""The index says what a pass over the topics says, on either database, whatever happens to the topics."""

from __future__ import annotations

import pytest
from hold_world import CONTRACTS, OTHER, QUARANTINE, RULES, HoldWorld, by_index
from sqlalchemy import Engine

from watermaster.adapters.database.hold_index import DatabaseHoldIndex
from watermaster.quarantine.lifecycle import State
from watermaster.quarantine.selection import Selection

EVERYTHING = Selection()
HAPPENINGS = 150


def selections(world: HoldWorld) -> list[Selection]:
    """Each condition alone, and some together."""
    chance = world.chance
    tallies = world.pass_over(EVERYTHING).groups
    group = chance.choice(tallies)["group"][1] if tallies else "0"
    key = chance.choice(world.keys)
    return [
        EVERYTHING,
        Selection(states=(State.OPEN, State.FIXED)),
        Selection(states=(State.REPLAYED,)),
        Selection(groups=(group[:5],)),
        Selection(groups=("_", "%")),
        Selection(rules=(RULES[0].rule, "none")),
        Selection(contract=CONTRACTS[0][:9], states=(State.OPEN,)),
        Selection(contract="sha256:a"),
        Selection(streams=("orders", QUARANTINE)),
        Selection(partitions=(1, 2)),
        Selection(offsets=(key.offset,)),
        Selection(partitions=(key.partition,), offsets=(key.offset, 2**70)),
        Selection(since_ms=1_700_000_300_000, until_ms=1_700_000_700_123),
        Selection(since_ms=-5),
        Selection(until_ms=1_700_000_500_000, groups=(group,), rules=(RULES[1].rule,)),
    ]


def assert_alike(world: HoldWorld, store: DatabaseHoldIndex, *topics: str) -> None:
    mark = world.indexer(store).catch_up()
    asked = topics or world.topics
    for selection in selections(world):
        assert by_index(store, mark, selection, asked) == world.pass_over(selection, asked), selection


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_the_index_says_what_the_topics_say(engine: Engine, seed: int) -> None:
    world, store = HoldWorld(seed, holds=1 + seed % 2), DatabaseHoldIndex(engine)
    for number in range(HAPPENINGS):
        world.anything()
        if number % 30 == 29:
            assert_alike(world, store)
    assert_alike(world, store, OTHER)
    assert_alike(world, DatabaseHoldIndex(engine))
