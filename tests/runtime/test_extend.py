"""Extending and restoring, with a crash at each step, and with somebody else who changes things meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.surveyors import HOUR_MS, NOW, ORDERS, FixedSurveyor, readers, survey_of

from watermaster.adapters.files.extension_notes import FileExtensionNotes
from watermaster.monitor.extension import Extension
from watermaster.monitor.log import FirstUnread
from watermaster.monitor.retention import Retention
from watermaster.runtime.extend import Outcome, OwnSettings, extend, plan_extensions, plan_restorations, restore
from watermaster.runtime.monitor import Monitor
from watermaster.runtime.survey import Place
from watermaster.stream.fault import Fault, UsageFault, WorldFault

CLUSTER = "cluster/id"
EXTENSION = Extension("orders", {"retention.ms": 900}, Retention(100, None), assumed=False, disk_bytes_max=None)


class Crash(Exception):
    """The process dies here."""


class Topics:
    """One topic, `orders`, with its own settings."""

    def __init__(self, **own: str) -> None:
        self.own_settings: dict[str, str | None] = {"retention.ms": None, "retention.bytes": None}
        self.own_settings |= {key.replace("_", "."): value for key, value in own.items()}
        self.id = "first"
        self.crash = ""

    def topic_id(self, topic: str) -> str:
        if not self.id:
            raise UsageFault("WM-KAFKA-UNKNOWN-TOPIC", "The topic does not exist.", hint="")
        return self.id

    def own(self, topic: str) -> OwnSettings:
        return dict(self.own_settings)

    def alter(self, topic: str, settings: OwnSettings) -> Fault | None:
        if self.crash == "before":
            raise Crash
        self.own_settings |= settings
        if self.crash == "after":
            raise Crash
        return None


@pytest.fixture
def notes(tmp_path: Path) -> FileExtensionNotes:
    return FileExtensionNotes(tmp_path / "extensions")


def put_back(topics: Topics, notes: FileExtensionNotes) -> list[Outcome]:
    plans = plan_restorations(CLUSTER, (), topics, notes)
    assert [restore(each, topics, notes) for each in plans] == [None] * len(plans)
    return [each.outcome for each in plans]


@pytest.mark.parametrize("before", [{}, {"retention_ms": "100"}], ids=["the brokers' setting", "its own setting"])
@pytest.mark.parametrize("extending", ["", "before", "after"])
@pytest.mark.parametrize("restoring", ["", "before", "after"])
def test_whatever_crashes_the_settings_come_back_and_the_note_goes(
    before: dict[str, str], extending: str, restoring: str, notes: FileExtensionNotes
) -> None:
    topics = Topics(**before)
    original = topics.own("orders")
    topics.crash = extending
    if extending:
        with pytest.raises(Crash):
            extend(EXTENSION, CLUSTER, topics, notes, 5)
    else:
        assert extend(EXTENSION, CLUSTER, topics, notes, 5) is None
    assert (topics.own("orders") == original) == (extending == "before")
    topics.crash = restoring
    if restoring and extending != "before":
        with pytest.raises(Crash):
            put_back(topics, notes)
    topics.crash = ""
    left = put_back(topics, notes)
    changed = topics.own("orders") == original
    assert changed
    assert left == [Outcome.NOTHING_TO_DO if extending == "before" or restoring == "after" else Outcome.RESTORED]
    assert put_back(topics, notes) == []


def test_the_second_extension_keeps_what_was_before_the_first(notes: FileExtensionNotes) -> None:
    topics = Topics(retention_ms="100")
    extend(EXTENSION, CLUSTER, topics, notes, 5)
    more = Extension("orders", {"retention.ms": 2000, "retention.bytes": 7}, Retention(900, 3), False, None)  # noqa: FBT003
    extend(more, CLUSTER, topics, notes, 6)
    assert put_back(topics, notes) == [Outcome.RESTORED]
    assert topics.own("orders") == {"retention.ms": "100", "retention.bytes": None}


def test_what_somebody_else_has_changed_stays(notes: FileExtensionNotes) -> None:
    topics = Topics()
    extend(EXTENSION, CLUSTER, topics, notes, 5)
    topics.own_settings["retention.ms"] = "12345"
    assert put_back(topics, notes) == [Outcome.CHANGED_SINCE]
    assert topics.own("orders")["retention.ms"] == "12345"
    assert len(notes.all()) == 1


@pytest.mark.parametrize("topic_id", ["", "second"])
def test_a_topic_that_is_another_one_is_left_alone(topic_id: str, notes: FileExtensionNotes) -> None:
    topics = Topics()
    extend(EXTENSION, CLUSTER, topics, notes, 5)
    topics.id, topics.own_settings["retention.ms"] = topic_id, "900"
    assert put_back(topics, notes) == [Outcome.GONE]
    assert topics.own("orders")["retention.ms"] == "900"
    assert notes.all() == []


def test_a_note_that_cannot_be_read_stops_everything(notes: FileExtensionNotes, tmp_path: Path) -> None:
    (tmp_path / "extensions").mkdir()
    (tmp_path / "extensions" / "x.json").write_text('{"version": 2}')
    with pytest.raises(WorldFault) as caught:
        extend(EXTENSION, CLUSTER, Topics(), notes, 5)
    assert caught.value.code == "WM-EXTEND-NOTE"


def test_topics_are_chosen_by_what_is_lost_in_time() -> None:
    surveyor = FixedSurveyor(survey_of(readers(40)), probes={Place(ORDERS, 40): FirstUnread(40, NOW - HOUR_MS + 5_000)})
    report = Monitor(surveyor).look()
    assert plan_extensions(report, (), 4_000) == ()
    (extension,) = plan_extensions(report, (), HOUR_MS)
    assert dict(extension.settings) == {"retention.ms": 2 * HOUR_MS - 5_000 + 1_000}
    with pytest.raises(UsageFault) as caught:
        plan_extensions(report, ("nobody-reads-it",), HOUR_MS)
    assert caught.value.code == "WM-EXTEND-TOPIC"
