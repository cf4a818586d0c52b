"""Replay with a fix, in memory: what is written, what is remembered, and what the plan says before."""

from __future__ import annotations

from collections import Counter

from replay_world import PARTITIONS, QUARANTINE, TRUSTED, ReplayWorld

from watermaster.quarantine.fix.document import Fix, read_fix
from watermaster.quarantine.lifecycle import State
from watermaster.runtime.replay_fix import amend_by, remedy_of, selection_of_fix
from watermaster.runtime.replay_judgement import Fate, Judgement
from watermaster.runtime.replay_plan import plan_replay
from watermaster.stream.coordinates import decode_coordinates


def fix_of(text: str) -> Fix:
    read = read_fix(text.encode(), "f.yaml")
    assert read.fix is not None, read.problems
    return read.fix


FIX = fix_of("""fix: letters
version: 3
select: {where: this.a != 'other', partitions: [0]}
steps:
  - {cast: $.n, to: integer}
  - {delete: $.held}
""")


def judgement(world: ReplayWorld, fix: Fix) -> Judgement:
    return world.judgement(selection_of_fix(fix), amend=amend_by(fix))


def world_of_four() -> ReplayWorld:
    """The judge of this world looks at the first letter alone; every value passes it."""
    world = ReplayWorld()
    world.hold(0, 10, b'{"a":"x", "n":"7", "held":1}', b"key", [("h", b"1")])
    world.hold(0, 11, b'{"a":"x", "n":"seven"}')
    world.hold(0, 12, b'{"a":"other", "n":"7"}')
    world.hold(0, 13, b'{"a":"x", "n":7}')
    world.hold(1, 14, b'{"a":"x", "n":"7"}')
    return world


def test_only_what_is_selected_is_mended_and_the_stamp_and_the_state_name_the_fix() -> None:
    world = world_of_four()
    tally = world.run(judgement=judgement(world, FIX)).tally
    assert tally.fates == Counter({Fate.PASSES: 2, Fate.UNFIXED: 1})
    assert tally.fixed == 1
    (_, mended), (_, unchanged) = world.cluster.read(TRUSTED, 0)
    assert mended.value == b'{"a":"x", "n":7}'
    assert (mended.key, mended.timestamp_ms, mended.headers[:-1]) == (b"key", 7, [("h", b"1")])
    stamps = [decode_coordinates(record.headers[-1][1]) for record in (mended, unchanged)]
    assert [stamp and (stamp.offset, stamp.fix) for stamp in stamps] == [(10, "letters@3"), (13, "")]
    assert (world.state(0, 10).state, world.state(0, 10).fix) == (State.REPLAYED, "letters@3")
    assert (world.state(0, 13).state, world.state(0, 13).fix) == (State.REPLAYED, "")
    assert world.state(0, 11).state is world.state(0, 12).state is world.state(1, 14).state is State.OPEN
    again = world.run(judgement=judgement(world, FIX)).tally
    assert again.fates == Counter({Fate.UNFIXED: 1}), "running it twice adds nothing"


def test_the_plan_counts_what_the_replay_does_and_says_why_not() -> None:
    world = world_of_four()
    plan = plan_replay(
        world.order(),
        judgement(world, FIX),
        world.reader,
        world.contracts().current(world.order().stream),
        range(PARTITIONS),
        now_ms=0,
        sleep=world.sleep,
    )
    assert (plan.matched, plan.passing, plan.tally.fixed) == (3, 2, 1)
    assert plan.troubles == Counter({"$.n: it is no number that JSON knows": 1})
    assert [judged.fix for judged in plan.samples] == ["letters@3", ""]
    assert world.cluster.read(TRUSTED, 0) == []
    assert len(world.cluster.read(QUARANTINE, 0)) == 4


def test_what_the_auditor_computes_is_what_the_replay_has_written() -> None:
    world = world_of_four()
    world.run(judgement=judgement(world, FIX))
    ((_, written), *_) = world.cluster.read(TRUSTED, 0)
    mended = remedy_of(FIX)(b"key", world.held[0, 10], (("h", b"1"),))
    assert mended == (written.key, written.value, tuple(written.headers[:-1]))
    assert remedy_of(FIX)(b"k", world.held[0, 13], ()) is None
