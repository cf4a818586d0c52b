from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.observed import Unseen
from watermaster.runtime.topic_needs import DAY_MS, LONG_MAX, DesiredTopic, Retentions
from watermaster.runtime.topic_plan import (
    Action,
    AddPartitions,
    AlterSettings,
    CreateTopic,
    Level,
    TopicPlan,
    plan_topics,
)
from watermaster.runtime.topic_state import ClusterTopics, TopicState

GATE = GateConfiguration("g", "c", (StreamConfiguration("in", "out", "c.odcs.yaml"),))
LANDING = TopicState("in", 4, 3, {"cleanup.policy": "delete", "max.message.bytes": "1048588"})
TOPICS = ("out", "dlq.in", "watermaster.ledger.g", "watermaster.holds.g", "watermaster.control")


def _plan(*topics: TopicState | Unseen, brokers: int = 3, retentions: Retentions | None = None) -> TopicPlan:
    named = {topic.what if isinstance(topic, Unseen) else topic.name: topic for topic in topics}
    return plan_topics(GATE, ClusterTopics(brokers, named), retentions)


def _created(plan: TopicPlan) -> dict[str, DesiredTopic]:
    return {action.topic.name: action.topic for action in plan.actions if isinstance(action, CreateTopic)}


def _as_needed(landing: TopicState = LANDING, brokers: int = 3) -> dict[str, TopicState]:
    """The topics as a first `--yes` leaves them."""
    created = _created(_plan(landing, brokers=brokers))
    return {
        name: TopicState(name, topic.partitions, topic.replication, topic.settings, frozenset(topic.settings))
        for name, topic in created.items()
    }


def _with(state: TopicState, own: Iterable[str] | None = None, **changes: str) -> TopicState:
    settings = {**state.settings, **{key.replace("_", "."): value for key, value in changes.items()}}
    return TopicState(
        state.name, state.partitions, state.replication, settings, state.own if own is None else frozenset(own)
    )


def _plan_with(changed: TopicState, landing: TopicState = LANDING) -> TopicPlan:
    return _plan(landing, *{**_as_needed(), changed.name: changed}.values())


def test_everything_is_created_on_an_empty_cluster() -> None:
    created = _created(_plan(LANDING))
    assert tuple(created) == TOPICS
    assert [(t.partitions, t.replication) for t in created.values()] == [(4, 3), (4, 3), (4, 3), (4, 3), (1, 3)]
    trusted = created["out"].settings
    assert trusted == {
        "message.timestamp.type": "CreateTime",
        "message.timestamp.before.max.ms": str(LONG_MAX),
        "message.timestamp.after.max.ms": str(LONG_MAX),
        "max.message.bytes": str(1_048_588 + 1_024),
        "min.insync.replicas": "2",
        "cleanup.policy": "delete",
    }
    quarantine = created["dlq.in"].settings
    assert quarantine["cleanup.policy"] == "delete"
    assert quarantine["retention.ms"] == str(14 * DAY_MS)
    assert int(quarantine["max.message.bytes"]) >= 1_048_588 + 32_768
    assert created["watermaster.ledger.g"].settings["retention.ms"] == str(30 * DAY_MS)
    assert created["watermaster.holds.g"].settings["cleanup.policy"] == "compact"
    assert created["watermaster.control"].settings["cleanup.policy"] == "compact"


def test_what_was_made_needs_nothing_more() -> None:
    plan = _plan(LANDING, *_as_needed().values())
    assert plan.actions == ()
    assert not plan.has_problems


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, 1, "1"), (2, 2, "1"), (3, 3, "2"), (12, 3, "2")])
def test_copies_fit_the_size_of_the_cluster(brokers: int, copies: int, in_sync: str) -> None:
    for topic in _created(_plan(LANDING, brokers=brokers)).values():
        assert (topic.replication, topic.settings["min.insync.replicas"]) == (copies, in_sync)


@pytest.mark.parametrize(
    ("landing_bytes", "trusted_bytes", "why"),
    [
        ("5000000", 5_001_024, "the largest record and one header more"),
        ("1000", 1_049_612, "the gate's own batches are up to a megabyte, whatever the landing topic takes"),
    ],
)
def test_trusted_takes_what_landing_took(landing_bytes: str, trusted_bytes: int, why: str) -> None:
    created = _created(_plan(_with(LANDING, max_message_bytes=landing_bytes)))
    assert int(created["out"].settings["max.message.bytes"]) == trusted_bytes, why


def test_retention_that_the_owner_chose_is_followed_and_the_brokers_default_is_not_repeated() -> None:
    landing = _with(LANDING, own={"retention.ms"}, retention_ms="123", retention_bytes="-1")
    settings = _created(_plan(landing))["out"].settings
    assert settings["retention.ms"] == "123"
    assert "retention.bytes" not in settings


@pytest.mark.parametrize(
    ("quarantine", "ledger", "expected"), [(60, 30, 60 * DAY_MS), (7, 30, 30 * DAY_MS), (-1, 30, -1)]
)
def test_the_ledger_outlives_the_quarantine(quarantine: int, ledger: int, expected: int) -> None:
    kept = Retentions(quarantine * DAY_MS if quarantine > 0 else -1, ledger * DAY_MS)
    created = _created(_plan(LANDING, retentions=kept))
    assert created["watermaster.ledger.g"].settings["retention.ms"] == str(expected)


DRIFTS = [
    ("out", {"message_timestamp_type": "LogAppendTime"}, "message.timestamp.type", "CreateTime"),
    ("out", {"message_timestamp_after_max_ms": "3600000"}, "message.timestamp.after.max.ms", str(LONG_MAX)),
    ("out", {"max_message_bytes": "1048588"}, "max.message.bytes", "1049612"),
    ("out", {"min_insync_replicas": "1"}, "min.insync.replicas", "2"),
    ("dlq.in", {"cleanup_policy": "compact"}, "cleanup.policy", "delete"),
    ("watermaster.ledger.g", {"cleanup_policy": "compact"}, "cleanup.policy", "delete"),
    ("watermaster.control", {"cleanup_policy": "delete"}, "cleanup.policy", "compact"),
]


@pytest.mark.parametrize(("topic", "drift", "key", "wanted"), DRIFTS)
def test_a_setting_that_breaks_the_promise_is_altered_alone(
    topic: str, drift: dict[str, str], key: str, wanted: str
) -> None:
    plan = _plan_with(_with(_as_needed()[topic], **drift))
    (action,) = plan.actions
    assert isinstance(action, AlterSettings)
    assert [(action.name, change.key, change.value) for change in action.changes] == [(topic, key, wanted)]


@pytest.mark.parametrize(
    ("topic", "better"),
    [
        ("out", {"max_message_bytes": "9999999"}),
        ("out", {"min_insync_replicas": "3"}),
        ("dlq.in", {"retention_ms": "-1"}),
        ("out", {"retention_ms": "1000"}),
        ("out", {"segment_ms": "1000"}),
    ],
)
def test_more_than_needed_and_the_owners_own_business_are_left_alone(topic: str, better: dict[str, str]) -> None:
    assert _plan_with(_with(_as_needed()[topic], **better)).actions == ()


def test_a_retention_that_somebody_chose_is_reported_and_a_brokers_default_is_raised() -> None:
    short = _with(_as_needed()["dlq.in"], retention_ms=str(DAY_MS))
    chosen = _plan_with(short)
    assert chosen.actions == ()
    assert any("retention.ms" in finding.hint for finding in chosen.findings)
    inherited = _plan_with(_with(short, own=()))
    assert [type(action) for action in inherited.actions] == [AlterSettings]


def test_in_sync_copies_are_not_raised_to_the_number_of_copies() -> None:
    few = TopicState("out", 4, 2, {**_as_needed()["out"].settings, "min.insync.replicas": "1"})
    plan = _plan_with(few)
    assert plan.actions == ()
    hints = [finding.hint for finding in plan.findings if finding.topic == "out"]
    assert any("min.insync.replicas=2" in hint for hint in hints)
    assert any("kafka-reassign-partitions.sh" in hint for hint in hints)


def test_trusted_and_quarantine_grow_with_landing_and_the_ledger_never_does() -> None:
    grown = TopicState("in", 6, 3, LANDING.settings)
    plan = _plan(grown, *_as_needed().values())
    assert plan.actions == (AddPartitions("out", 4, 6), AddPartitions("dlq.in", 4, 6))
    assert any("order is not kept" in finding.message for finding in plan.findings)


def test_more_partitions_than_landing_are_a_note() -> None:
    wide = TopicState("out", 8, 3, _as_needed()["out"].settings)
    plan = _plan_with(wide)
    assert plan.actions == ()
    assert [f.level for f in plan.findings if "stay empty" in f.message] == [Level.NOTE]


@pytest.mark.parametrize(
    ("landing", "trusted", "level", "word"),
    [
        ("compact", "compact", Level.WARNING, "stale value"),
        ("compact,delete", "compact,delete", Level.WARNING, "stale value"),
        ("compact", "delete", Level.WARNING, "no table of newest values"),
        ("delete", "compact", Level.PROBLEM, "without a key are refused"),
    ],
)
def test_compaction_is_spoken_of(landing: str, trusted: str, level: Level, word: str) -> None:
    changed = _with(_as_needed()["out"], cleanup_policy=trusted)
    plan = _plan_with(changed, landing=_with(LANDING, cleanup_policy=landing))
    assert [finding.level for finding in plan.findings if word in finding.message] == [level]
    assert plan.actions == (), "whether a stream is a table is for its owner to say"


def test_a_compacted_landing_topic_gets_a_compacted_trusted_topic_and_a_quarantine_that_is_not() -> None:
    created = _created(_plan(_with(LANDING, cleanup_policy="compact")))
    assert created["out"].settings["cleanup.policy"] == "compact"
    assert created["dlq.in"].settings["cleanup.policy"] == "delete"


def test_without_its_landing_topic_a_stream_waits_and_the_others_go_on() -> None:
    streams = (*GATE.streams, StreamConfiguration("absent", "absent.out", "c.odcs.yaml"))
    gate = GateConfiguration("g", "c", streams)
    plan = plan_topics(gate, ClusterTopics(3, {"in": LANDING}))
    assert set(_created(plan)) == set(TOPICS)
    assert plan.has_problems
    nothing = plan_topics(gate, ClusterTopics(3, {}))
    assert nothing.actions == ()


def test_what_cannot_be_seen_is_not_touched() -> None:
    unseen = Unseen("out", "The cluster denies it.", "WM-KAFKA-DENIED-TOPIC")
    plan = _plan(LANDING, *{**_as_needed(), "out": unseen}.values())
    assert plan.actions == ()
    assert plan.has_problems
    hidden = ClusterTopics(3, {"in": LANDING, **{n: _bare(s) for n, s in _as_needed().items()}}, {"out": unseen})
    without_settings = plan_topics(GATE, hidden)
    assert _touched(without_settings.actions) == set()
    for finding in (*plan.findings, *without_settings.findings):
        assert not re.search(r"\.[.;]|\.$", finding.message), "the sentence goes on, or its reader ends it"


def _bare(state: TopicState) -> TopicState:
    return TopicState(state.name, state.partitions, state.replication)


def _touched(actions: Iterable[Action]) -> set[str]:
    return {action.topic.name if isinstance(action, CreateTopic) else action.name for action in actions}


def test_readers_of_uncommitted_records_are_always_warned_of() -> None:
    assert any("read_uncommitted" in finding.message for finding in _plan(LANDING).findings)
