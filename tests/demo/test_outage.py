"""The plot of the outage in a simulated world, its picture, and the whole of it on real Kafka as a person starts it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from watermaster.cli import demo
from watermaster.cli.demo_outage_view import OutageView, event_line, outage_document, show_outage, state_line
from watermaster.incident.answer import Surroundings, answer
from watermaster.incident.incident import Entry, Incident, summarize
from watermaster.incident.life import State
from watermaster.incident.severity import alarms_of
from watermaster.incident.signal import Signal, SignalKind, Subject
from watermaster.runtime.outage import Account, OutageMoment, OutagePlan, OutagePlay, OutageResult, Sight
from watermaster.stream.fault import UsageFault, WorldFault

PLAN = OutagePlan(retention_ms=60_000, rate=100, speed=4)
HOSTILE = "\x1b]0;owned\x07"


class World:
    """A stream as arithmetic: 100 records a second go in, 400 can be read, each is kept for a minute."""

    def __init__(self, *, extends: bool = True, answers: bool = True) -> None:
        self.now_s = 0.0
        self.extends, self.answers = extends, answers
        self.stands_since_s: float | None = None
        self.back_s: float | None = None
        self.kept_s = 60.0
        self.backlog = 0.0
        self.read = 0.0
        self.writes = True
        self.deeds: list[str] = []
        self.incident: Incident | None = None
        self.clear_s: float | None = None

    # the clock
    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        rate = PLAN.rate if self.writes else 0
        room = 0 if self.stands_since_s is not None else PLAN.rate * PLAN.speed
        taken = min(self.backlog + rate * seconds, room * seconds)
        self.backlog += rate * seconds - taken
        self.read += taken

    # the world
    def check(self) -> None:
        pass

    def look(self) -> Sight:
        left_ms = None
        kinds: list[tuple[SignalKind, int | None]] = []
        if self.backlog > 1:
            left_ms = int(1000 * (self.kept_s - self.backlog / PLAN.rate))
        if self.stands_since_s is not None:
            kinds.append((SignalKind.CONSUMER_STOPPED, left_ms))
            if left_ms is not None and left_ms < PLAN.near_ms:
                kinds.append((SignalKind.LOSS_NEAR, left_ms))
        self._watch([Signal(k, Subject("demo", "billing"), 0, ("it stands",), left_ms=left) for k, left in kinds])
        caught_up = None if self.back_s is None else int(1000 * self.backlog / (PLAN.rate * (PLAN.speed - 1)))
        pages = () if self.incident is None else ("!! it stands",)
        gone = max(0, int(self.backlog - 60 * PLAN.rate))
        return Sight(int(self.backlog), left_ms, "gone", caught_up, self.incident, pages, gone)

    def _watch(self, signals: list[Signal]) -> None:
        if not self.answers:
            return
        if signals:
            alarms = alarms_of(signals, PLAN.severities)
            before = self.incident or incident_of(signals, self.now_ms())
            self.incident = replace(before, alarms=max(alarms, before.alarms))
            self.clear_s = None
        elif self.incident is not None and self.incident.state is not State.RESOLVED:
            self.clear_s = self.clear_s or self.now_s
            if self.now_s - self.clear_s > 5:
                self.incident = replace(self.incident, state=State.RESOLVED)

    def release(self) -> str:
        self.stands_since_s = self.now_s
        self.deeds.append("release")
        return "released"

    def start_reader(self) -> None:
        self.stands_since_s, self.back_s = None, self.now_s
        self.deeds.append("start")

    def stop_source(self) -> None:
        self.writes = False

    def take(self, number: int) -> None:
        self.deeds.append(f"take {number}")

    def extend(self) -> str:
        if self.extends:
            self.kept_s += 600
        self.deeds.append("extend")
        return "extended"

    def restore(self) -> str:
        self.deeds.append("restore")
        return "restored"

    def account(self) -> Account:
        # What is written is read in whole records only.
        read = round(self.read)
        return Account(round(self.read + self.backlog), read, 0)


def incident_of(signals: list[Signal], now_ms: int) -> Incident:
    entry = Entry(now_ms, "monitor", f"opened{HOSTILE}")
    answers = answer(signals, Surroundings())
    return Incident(
        1, "demo/billing", "demo", "it stands", State.OPEN, 2, now_ms, now_ms, tuple(signals), answers,
        timeline=(entry,),
    )  # fmt: skip


def play(world: World, seen: list[OutageMoment] | None = None) -> OutageResult:
    show = (lambda _: None) if seen is None else seen.append
    return OutagePlay(PLAN, world, world, world.sleep, show).run()


def test_the_stations_come_in_their_order_and_the_data_is_saved() -> None:
    world = World()
    seen: list[OutageMoment] = []
    result = play(world, seen)
    assert world.deeds == ["release", "take 1", "extend", "start", "restore"]
    assert result.saved
    assert 0 < result.left_s <= 0.3 * result.retention_s, "on-call acts at five alarms"
    assert result.down_s > result.retention_s, "without it something would have been lost"
    assert result.gone_elsewhere > 0
    assert result.forecast_s == pytest.approx(result.caught_up_s, abs=2)
    alarms = [moment.sight.alarms for moment in seen]
    assert sorted(set(alarms)) == [0, 2, 3, 4, 5]
    assert alarms == sorted(alarms), "they rise, one after the other"
    left = [moment.left_ms or 0.0 for moment in seen if moment.sight.alarms in (3, 4)]
    assert all(later < earlier + 1 for earlier, later in pairwise(left)), "the horizon counts down"


def test_what_is_not_reached_is_said() -> None:
    with pytest.raises(WorldFault) as raised:
        play(World(answers=False))
    assert (raised.value.code, "five alarms" in raised.value.message) == ("WM-DEMO-OUTAGE", True)
    with pytest.raises(WorldFault, match="more time"):
        play(World(extends=False))


def test_records_that_are_missing_are_no_success() -> None:
    result = play(World())
    assert not replace(result, account=Account(10, 9, 0)).saved
    assert not replace(result, account=Account(10, 10, 1)).saved
    assert not replace(result, incident=replace(result.incident, state=State.OPEN)).saved


def test_the_picture_fits_is_inert_and_says_everything_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[OutageMoment] = []
    result = play(World(), seen)
    view = OutageView(PLAN)
    for moment in seen:
        view.take(moment)
    loud = next(moment for moment in seen if moment.sight.alarms == 4)
    out = io.StringIO()
    Console(file=out, width=90, height=20, no_color=True).print(view.draw(loud, 90, 20))
    lines = out.getvalue().splitlines()
    assert len(lines) < 20
    assert max(map(len, lines)) <= 90
    assert "4 of 5 alarms" in out.getvalue()
    assert "nothing is lost for" in out.getvalue()
    told = [event_line(event) for event in result.events]
    assert not any("\x1b" in line for line in (*told, state_line(loud), out.getvalue()))
    ended = replace(result, incident=replace(result.incident, summary=summarize(result.incident, 0, "it is over")))
    show_outage(ended)
    shown = capsys.readouterr().out
    for words in ("Is the copy safe?", "caught up", "forecast", "Summary:", "extend TOPIC"):
        assert words in shown
    assert "\x1b" not in shown
    assert outage_document(ended)["saved"] is True


@pytest.mark.parametrize(
    ("fault", "broker", "bootstrap"), [("flood", None, None), ("outage", "embedded", None), ("outage", None, "a:9092")]
)
def test_an_outage_has_a_kafka_of_its_own(fault: str, broker: str | None, bootstrap: str | None) -> None:
    with pytest.raises(UsageFault):
        demo._refuse_for_fault(fault, broker, bootstrap)
    demo._refuse_for_fault("outage", "real", None)


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_the_outage_on_real_kafka(tmp_path: Path) -> None:
    """Forty seconds of retention: a busy machine needs its time between five alarms and the loss."""
    command = ["demo", "--fault", "outage", "--retention-s", "40", "--output", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "watermaster", *command], cwd=tmp_path, capture_output=True, text=True, timeout=380,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result["saved"] is True
    assert result["account"]["read"] == result["account"]["written"] > 0
    assert result["gone_elsewhere"] > 0, "real Kafka deletes what nobody extends"
    assert result["incident"]["state"] == "resolved"
    assert "no record was seen to be lost" in result["incident"]["summary"]
    assert result["incident"]["owner"] == "team-billing"
    assert "billing 2.0" in json.dumps(result["incident"]["answers"]["what"])
    told = " ".join(event["text"] for event in result["events"])
    for words in (
        "rises from 2 to 3 alarms",
        "to 5 alarms",
        "acknowledged",
        "resolved",
        "retention 40 s -> ",
        "forecast",
    ):
        assert words in told
    assert len(result["pages"]) >= 2
    assert list(tmp_path.iterdir()) == []
