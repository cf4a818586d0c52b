"""What two looks differ in: a numbered table; what could not be seen is no difference; what flaps is told seldom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.runtime.cluster_changes import NOTES_MAX, TOLD_EACH, ClusterChanges
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.look_difference import Aspect, carried, compare_looks
from watermaster.runtime.monitor import MonitorReport
from watermaster.runtime.observed import ObservedBroker, ObservedCluster, Unseen
from watermaster.runtime.survey import Owner, Placement, Survey, SurveyedGroup
from watermaster.stream.coordinates import TopicPartition

HOUR_MS = 3_600_000
ORDERS = [TopicPartition("orders", number) for number in range(2)]


def cluster(*brokers: int, controller: int | None = 1) -> ObservedCluster:
    return ObservedCluster("id", tuple(ObservedBroker(b, "localhost", 9092) for b in brokers), controller)


def placed(first: Placement | None = None, second: Placement | None = None) -> Mapping[TopicPartition, Placement]:
    return {
        ORDERS[0]: first or Placement(1, (1, 2, 3), (1, 2, 3)),
        ORDERS[1]: second or Placement(2, (1, 2, 3), (1, 2, 3)),
    }


def group(state: str, *members: str, count: int | None = -1, simple: bool = False) -> SurveyedGroup:
    """Each member owns the partition of its place."""
    owners = {ORDERS[i]: Owner(f"id-{m}", m, "10.0.0.1") for i, m in enumerate(members) if state == "STABLE" and m}
    return SurveyedGroup("billing", state, simple, len(members) if count == -1 else count, {}, owners)


LOOK = Survey(
    taken_ms=1_000,
    cluster=cluster(1, 2, 3),
    placements=placed(),
    logs={},
    settings={"orders": {"retention.ms": "604800000", "min.insync.replicas": "2", "cleanup.policy": "delete"}},
    groups=(group("STABLE", "a", "b"),),
    positions_kept_ms=None,
    brokers={1: {"log.retention.ms": "1"}, 2: {"log.retention.ms": "1"}},
)
SILENT_GROUPS = Unseen("the consumer groups", "a coordinator is away.", "WM-X")
SETTINGS, BROKERS, PARTITIONS, MEMBERS = Aspect.SETTINGS, Aspect.BROKERS, Aspect.PARTITIONS, Aspect.MEMBERS


def after(**changed: object) -> Survey:
    return replace(LOOK, taken_ms=11_000, **changed)  # type: ignore[arg-type]


def orders_with(**settings: str) -> Mapping[str, Mapping[str, str]]:
    return {"orders": {**LOOK.settings["orders"], **{key.replace("_", "."): value for key, value in settings.items()}}}


FEW_COPIES = Placement(2, (1, 2, 3), (2, 3))
CASES: list[tuple[int, Survey, list[tuple[Aspect, str | None, str]]]] = [
    (1, after(), []),
    (
        2,
        after(settings=orders_with(retention_ms="1000")),
        [(SETTINGS, "orders", "retention.ms of orders was 604800000 (7 d) and is 1000 (1 s)")],
    ),
    (
        3,
        after(settings=orders_with(min_insync_replicas="1", cleanup_policy="compact")),
        [
            (SETTINGS, "orders", "cleanup.policy of orders was delete and is compact"),
            (SETTINGS, "orders", "min.insync.replicas of orders was 2 and is 1"),
        ],
    ),
    (4, after(settings=orders_with(retention_ms="-1")), [(SETTINGS, "orders", "(7 d) and is -1")]),
    (5, after(settings={}), []),  # this login may not see them any more
    (6, after(settings=orders_with(segment_ms="1")), []),  # seen for the first time
    (
        7,
        after(brokers={1: {"log.retention.ms": "2"}, 2: {"log.retention.ms": "2"}}),
        [(SETTINGS, None, "log.retention.ms of broker 1, 2 was 1 (0 s) and is 2 (0 s)")],
    ),
    (8, after(cluster=cluster(1, 3)), [(BROKERS, None, "broker 2 is gone; 2 are there")]),
    (9, after(cluster=cluster(1, 2, 3, 4)), [(BROKERS, None, "broker 4 has come; 4 are there")]),
    (10, after(cluster=cluster(1, 2, 3, controller=3)), []),  # KRaft names any broker
    (
        11,
        after(placements=placed(FEW_COPIES)),
        [
            (
                PARTITIONS,
                "orders",
                "another leader for orders[0] (1 to 2); copies out of sync of orders[0] (on 1; 2 of 3 in sync)",
            )
        ],
    ),
    (
        12,
        after(placements=placed(Placement(None, (1, 2, 3), ()), Placement(None, (1, 2, 3), (1, 2, 3)))),
        [(PARTITIONS, "orders", "nobody leads orders[0], orders[1]; copies out of sync of orders[0] (on 1, 2, 3;")],
    ),
    (
        13,
        after(placements=placed(Placement(1, (1, 2, 4), (1, 2)))),
        [(PARTITIONS, "orders", "other brokers keep orders[0] (1, 2, 3 before, 1, 2, 4 now)")],
    ),
    (14, after(placements={}), [(PARTITIONS, "orders", "orders cannot be seen any more")]),
    (
        15,
        after(placements={**placed(), TopicPartition("orders", 2): FEW_COPIES, TopicPartition("new", 0): FEW_COPIES}),
        [
            (PARTITIONS, "new", "new can be seen for the first time"),
            (PARTITIONS, "orders", "orders had 2 partitions and has 3"),
        ],
    ),
    (
        16,
        after(groups=(group("EMPTY"),)),
        [(MEMBERS, "billing", "billing has no member any more; left: a on 10.0.0.1, b on 10.0.0.1")],
    ),
    (
        17,
        after(groups=(group("STABLE", "a", "c"),)),
        [(MEMBERS, "billing", "billing has 2 members; left: b on 10.0.0.1; joined: c on 10.0.0.1")],
    ),
    (
        18,
        after(groups=(group("STABLE", "a", ""),)),
        [(MEMBERS, "billing", "billing has 2 members; left: b on 10.0.0.1")],
    ),
    (19, after(groups=(group("STABLE", "a", "b", count=3),)), [(MEMBERS, "billing", "has 3 members, 2 before")]),
    (20, after(groups=(group("STABLE", "b", "a"),)), [(MEMBERS, "billing", "billing has shared out anew")]),
    (21, after(groups=(group("PREPARING_REBALANCING", "a", "b"),)), [(MEMBERS, "billing", "rebalances, with 2")]),
    (22, after(groups=(group("UNKNOWN", count=None),)), []),
    (23, after(groups=()), [(MEMBERS, "billing", "the group billing is not there any more")]),
    (24, after(groups=(), unseen=(SILENT_GROUPS,)), []),
]


@pytest.mark.parametrize(("number", "later", "expected"), CASES)
def test_what_is_different(number: int, later: Survey, expected: list[tuple[Aspect, str | None, str]]) -> None:
    found = compare_looks(LOOK, later)
    assert [(difference.aspect, difference.subject) for difference in found] == [case[:2] for case in expected], number
    for difference, (_, _, text) in zip(found, expected, strict=True):
        assert text in difference.text
        assert (difference.since_ms, difference.seen_ms) == (1_000, 11_000)


def test_the_way_back_is_told_too() -> None:
    low = after(placements=placed(Placement(None, (1, 2, 3), ())))
    (back,) = compare_looks(low, replace(LOOK, taken_ms=21_000))
    assert back.text.startswith("led again: orders[0] by 1; copies in sync again of orders[0] (on 1, 2, 3; 3 of 3")
    (joined,) = compare_looks(after(groups=(group("EMPTY"),)), LOOK)
    assert joined.text == "billing had no member and has 2; joined: a on 10.0.0.1, b on 10.0.0.1"
    simple = after(groups=(group("EMPTY", simple=True),))
    assert compare_looks(replace(LOOK, groups=(group("EMPTY", simple=True),)), simple) == ()


def test_a_setting_is_dated_by_when_settings_were_read() -> None:
    (difference,) = compare_looks(replace(LOOK, settings_ms=400), after(settings=orders_with(retention_ms="1000")))
    assert difference.since_ms == 400


def test_a_topic_of_many_partitions_is_one_line() -> None:
    many = [TopicPartition("orders", number) for number in range(1_000)]
    was = replace(LOOK, placements=dict.fromkeys(many, Placement(1, (1, 2), (1, 2))))
    (difference,) = compare_looks(was, replace(was, placements=dict.fromkeys(many, Placement(2, (1, 2), (2,)))))
    assert len(difference.text) < 500
    assert "and 995 other partitions" in difference.text


@pytest.mark.parametrize(
    "blind",
    [
        after(settings={}),
        after(groups=(), unseen=(SILENT_GROUPS,)),
        after(groups=(group("UNKNOWN", count=None),)),
        after(groups=(group("COMPLETING_REBALANCING", "a", "b", "c"),)),
        after(brokers={}),
    ],
    ids=["settings", "list of groups", "members", "rebalance", "broker settings"],
)
def test_what_a_look_could_not_see_is_compared_with_what_was_seen_before_it(blind: Survey) -> None:
    changed = replace(
        LOOK,
        taken_ms=21_000,
        settings=orders_with(retention_ms="1000"),
        groups=(group("STABLE", "a"),),
        brokers={1: {"log.retention.ms": "2"}, 2: {"log.retention.ms": "1"}},
    )
    found = compare_looks(carried(LOOK, blind), changed)
    assert [difference.text for difference in found] == [d.text for d in compare_looks(LOOK, changed)]


def looks(survey: Survey) -> tuple[ClusterLook, ...]:
    return (ClusterLook("primary", "production", MonitorReport(survey, ()), ()),)


DARK = (ClusterLook("primary", "production", None, ()),)


def test_differences_become_notes_that_name_what_they_are_about() -> None:
    changes = ClusterChanges(HOUR_MS)
    odd = replace(group("EMPTY"), group_id="what[is]this*")
    first = replace(LOOK, groups=(replace(odd, members=1, state="STABLE"),))
    later = after(cluster=cluster(1, 3), settings=orders_with(retention_ms="1000"), groups=(odd,))
    assert changes(looks(first)) == {}, "the first look has nothing to be compared with"
    assert changes(DARK) == {}
    notes = changes(looks(later))["primary"]
    assert [(note.kind, note.pattern, note.who, note.at_ms) for note in notes] == [
        ("settings", "orders", "", 1_000),
        ("brokers", "primary", "", 1_000),
        ("members", "what[[]is]this[*]", "", 1_000),
    ]
    assert notes[0].text.endswith("(seen 10 s later)")
    assert changes(DARK)["primary"] == notes, "what was seen stays known"
    assert changes(looks(replace(later, taken_ms=11_000 + HOUR_MS)))["primary"] == notes
    assert changes(looks(replace(later, taken_ms=11_001 + HOUR_MS))) == {}


def test_what_flaps_is_told_with_growing_gaps_and_anew_after_a_pause() -> None:
    changes = ClusterChanges(HOUR_MS)
    now_ms, told = 0, 0
    for number in range(1_000):
        now_ms += 1_000
        members = ("a", "b") if number % 2 else ("a",)
        told = len(
            changes(looks(replace(LOOK, taken_ms=now_ms, groups=(group("STABLE", *members),)))).get("primary", ())
        )
    assert TOLD_EACH < told <= TOLD_EACH + 10
    texts = [note.text for note in changes(DARK)["primary"]]
    assert "change 512 of it in a row" in texts[-1]
    quiet = replace(LOOK, taken_ms=now_ms + HOUR_MS + 1)
    changes(looks(quiet))
    (note,) = changes(looks(replace(quiet, taken_ms=now_ms + HOUR_MS + 2, groups=(group("EMPTY"),))))["primary"]
    assert "in a row" not in note.text


def test_what_flaps_hides_nothing_else_of_its_subject() -> None:
    changes = ClusterChanges(HOUR_MS)
    behind = placed(Placement(1, (1, 2, 3), (1, 2)))
    for number in range(100):
        group_of = ("a", "b") if number % 2 else ("a",)
        look = replace(LOOK, taken_ms=number, groups=(group("STABLE", *group_of),))
        changes(looks(replace(look, placements=behind if number % 2 else LOOK.placements)))
    worse = placed(Placement(None, (1, 2, 3), (1, 2)))
    texts = [
        note.text
        for note in changes(looks(replace(LOOK, taken_ms=100, placements=worse, groups=(group("EMPTY"),))))["primary"]
    ]
    assert any(text.startswith("nobody leads orders[0]") for text in texts)
    assert any(text.startswith("billing has no member any more") for text in texts)


@given(st.lists(st.integers(0, 40), min_size=2, max_size=30))
def test_the_memory_is_bounded_whatever_happens(shapes: list[int]) -> None:
    changes, notes = ClusterChanges(HOUR_MS), 0
    for number, shape in enumerate(shapes):
        topics = {
            TopicPartition(f"t{topic}", 0): Placement(shape % 3 or None, (1, 2), (1, 2)) for topic in range(shape * 5)
        }
        notes = len(changes(looks(replace(LOOK, taken_ms=number, placements=topics))).get("primary", ()))
        assert notes <= NOTES_MAX
