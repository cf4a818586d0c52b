"""Which keys have newer records downstream: the answer of a model that looks at everything."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from replay_world import LANDING, PARTITIONS, TRUSTED, ReplayWorld

from watermaster.quarantine.selection import Selection
from watermaster.runtime.replay_judgement import Choice, Fate
from watermaster.runtime.replay_plan import find_newest
from watermaster.stream.coordinates import RESERVED_HEADER, Coordinates

RECORDS = st.lists(
    st.tuples(st.integers(0, PARTITIONS - 1), st.integers(0, 30), st.sampled_from([None, b"a", b"b"])),
    max_size=12,
    unique_by=lambda record: record[:2],
)


@given(held=RECORDS, passed=RECORDS)
def test_a_key_is_stale_if_a_later_record_of_its_partition_is_downstream(
    held: list[tuple[int, int, bytes | None]], passed: list[tuple[int, int, bytes | None]]
) -> None:
    world = ReplayWorld()
    for partition, offset, key in held:
        world.hold(partition, offset, b"good", key)
    for partition, offset, key in passed:
        stamp = Coordinates(world.cluster.cluster_id, world.topic_id, partition, offset).encode()
        world.cluster.produce(TRUSTED, partition, key=key, headers=[(RESERVED_HEADER, stamp)])
    world.cluster.produce(TRUSTED, 0, key=b"a", headers=[("foreign", b"")])
    choice = Choice(world.adoption, Selection(), 10)
    in_force = world.contracts().current(LANDING)
    newest = find_newest(
        world.order(), choice, world.reader, in_force, range(PARTITIONS), now_ms=0, sleep=world.clock.sleep
    )
    judgement = dataclasses.replace(world.judgement(), choice=choice, stale=newest, skip_stale=True)
    tally = world.run(judgement=judgement).tally
    stale = {
        (partition, offset)
        for partition, offset, key in held
        if key is not None and any(p == partition and o > offset and k == key for p, o, k in passed)
    }
    assert tally.fates[Fate.STALE] == len(stale)
    assert tally.fates[Fate.PASSES] == len(held) - len(stale)
    assert all(world.state(*place).attempt == 0 for place in stale), "they stay as they were"
