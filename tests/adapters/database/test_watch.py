"""Two monitors over one database, and real HTTP: one page, also when the one that leads dies before it is sent."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from watermaster.adapters.alerts.sender import HttpSender
from watermaster.adapters.database.incidents import DatabaseIncidents
from watermaster.adapters.metrics.watch_collector import watch_health
from watermaster.incident.incident import acknowledge, resolve
from watermaster.incident.paging import Silence
from watermaster.incident.reaction import Reaction, ReactionPromise
from watermaster.incident.runbook import SiteRunbook
from watermaster.incident.signal import SignalKind
from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.runtime.fleet import ClusterLook
from watermaster.runtime.incident_changes import do, record_note, record_silence
from watermaster.runtime.incident_ports import ChangesSeen, Note, Senders
from watermaster.runtime.incident_settings import AlertConfiguration, AlertKind, MonitorConfiguration
from watermaster.runtime.incident_watch import IncidentWatch, routes_of
from watermaster.runtime.monitor import MonitorReport
from watermaster.runtime.observed import ObservedCluster, Unseen
from watermaster.runtime.reactions import PromisedReaction
from watermaster.runtime.survey import Survey
from watermaster.testing.clock import ManualClock
from watermaster.testing.receiver import PageReceiver

DOWN = (ClusterLook("primary", "production", None, (Unseen("cluster primary", "no broker answers.", "WM-X"),)),)
SURVEY = Survey(0, ObservedCluster("id", (), None), {}, {}, {}, (), None)
WELL = (ClusterLook("primary", "production", MonitorReport(SURVEY, ()), ()),)


def configuration(tmp_path: Path, *alerts: AlertConfiguration, runbooks: tuple[SiteRunbook, ...] = ()) -> Configuration:
    return Configuration(
        tmp_path / "watermaster.yaml",
        {"primary": ClusterConfiguration("primary", "127.0.0.1:1")},
        tmp_path,
        tmp_path,
        alerts={alert.name: alert for alert in alerts},
        runbooks=runbooks,
        monitor=MonitorConfiguration(raise_after_ms=0, clear_after_ms=10_000),
    )


class World:
    """A cluster that is down or well, as every monitor sees it."""

    def __init__(self, settings: Configuration, engine: Engine) -> None:
        self.settings, self.engine = settings, engine
        self.clock, self.looks = ManualClock(), DOWN
        self.changes: dict[str, list[Note]] = {}
        self.promised: tuple[PromisedReaction, ...] = ()

    def monitor(self, name: str) -> IncidentWatch:
        senders = {alert: HttpSender(route) for alert, route in self.settings.alerts.items()}
        pages = {
            alert: s for alert, s in senders.items() if self.settings.alerts[alert].kind is not AlertKind.HEARTBEAT
        }
        beats = {alert: s.beat for alert, s in senders.items() if alert not in pages}
        store = DatabaseIncidents(self.engine)
        return IncidentWatch(
            self.settings, lambda: self.looks, store, Senders(pages, beats), self.clock, name, {},
            changes=lambda _: ChangesSeen(self.changes), reactions=self.promised,
        )  # fmt: skip


def statuses(receiver: PageReceiver) -> list[str]:
    return [body["status"] for body in receiver.of("primary")]


def test_two_monitors_page_once_and_the_second_one_takes_over(engine: Engine, tmp_path: Path) -> None:
    with PageReceiver() as receiver:
        world = World(configuration(tmp_path, AlertConfiguration("pager", AlertKind.WEBHOOK, receiver.url)), engine)
        first, second = world.monitor("first"), world.monitor("second")
        for _ in range(3):
            first.turn()
            second.turn()
            world.clock.advance(1)
        assert (first.state.leads, second.state.leads) == (True, False)
        assert statuses(receiver) == ["firing"]
        (page,) = receiver.of("primary")
        assert page["commonAnnotations"]["runbook"] == "watermaster incident runbook cluster_unreachable"
        assert "runbook_url" not in page["commonAnnotations"], "the site has written none"
        # The first one has died with the end of the incident stored and not sent.
        world.looks = WELL
        receiver.refuses = True
        for _ in range(12):
            first.turn()
            world.clock.advance(1)
        assert receiver.refused
        assert watch_health(first.state, world.clock.now_ms(), 1000)[0] == 503
        receiver.refuses = False
        second.turn()
        assert statuses(receiver) == ["firing"], "its lease has not ended"
        world.clock.advance(90)
        second.turn()
        assert second.state.leads
        assert statuses(receiver) == ["firing", "resolved"]
        second.turn()
        assert statuses(receiver) == ["firing", "resolved"]


def test_it_escalates_if_nobody_takes_it_and_a_silence_ends(engine: Engine, tmp_path: Path) -> None:
    with PageReceiver() as pager, PageReceiver() as chief:
        late = AlertConfiguration("chief", AlertKind.WEBHOOK, chief.url, escalate_after_ms=60_000)
        settings = configuration(tmp_path, AlertConfiguration("pager", AlertKind.WEBHOOK, pager.url), late)
        world = World(settings, engine)
        watch, store = world.monitor("one"), DatabaseIncidents(engine)
        record_silence(store, Silence("primary*", world.clock.now_ms() + 30_000, "ada", "drill"), 0)
        watch.turn()
        assert statuses(pager) == []
        assert watch.state.open_incidents == {1: 0, 2: 0, 3: 0, 4: 1, 5: 0}
        world.clock.advance(30)
        watch.turn()
        assert statuses(pager) == ["firing"]
        assert statuses(chief) == []
        world.clock.advance(30)
        watch.turn()
        assert statuses(chief) == ["firing"]
        now_ms = world.clock.now_ms()
        do(store, 1, lambda incident: acknowledge(incident, "ada", now_ms), routes_of(settings), now_ms)
        watch.turn()
        assert (statuses(pager), statuses(chief)) == (["firing"] * 2, ["firing"] * 2)


def test_what_happens_beside_an_open_incident_is_in_its_timeline_once(engine: Engine, tmp_path: Path) -> None:
    world = World(configuration(tmp_path), engine)
    watch, store = world.monitor("one"), DatabaseIncidents(engine)

    def deploy(text: str, on: str) -> None:
        record_note(store, Note(world.clock.now_ms(), "deploy", on, "ci", text))

    deploy("two hours before", "*")
    world.clock.advance(7_200)
    deploy("before", "prim*")
    world.clock.advance(60)
    watch.turn()
    world.clock.advance(60)
    deploy("meanwhile", "*")
    deploy("elsewhere", "standby")
    for cluster in ("primary", "standby"):
        world.changes[cluster] = [Note(world.clock.now_ms(), "contract", "*", "ada", f"deployed on {cluster}")]
    for _ in range(3):
        watch.turn()
        world.clock.advance(60)
    incident = store.found(1)
    assert incident is not None
    texts = [entry.text for entry in incident.timeline]
    assert [text for text in texts if "deploy" in text] == [
        "deploy: before",
        "deploy: meanwhile",
        "contract: deployed on primary",
    ]
    assert texts[0] == "deploy: before", "each at its time"
    assert "before" in str(incident.answers), "what happened before it may be why"
    assert "meanwhile" not in str(incident.answers)


def test_what_somebody_did_is_named_before_what_happened(engine: Engine, tmp_path: Path) -> None:
    world = World(configuration(tmp_path), engine)
    watch, store = world.monitor("one"), DatabaseIncidents(engine)
    at_ms = world.clock.now_ms()
    seen = [
        Note(at_ms - 3, "settings", "primary", "", "retention.ms was 2 and is 1"),
        Note(at_ms - 2, "brokers", "primary", "", "broker 1 is gone"),
        Note(at_ms - 1, "members", "primary", "", "it has no member any more"),
    ]
    world.changes["primary"] = seen[1:]
    watch.turn()
    world.clock.advance(1)
    incident = store.found(1)
    assert incident is not None
    assert "Shortly before (correlated): brokers: broker 1 is gone" in str(incident.answers.what)
    world.changes["primary"] = seen
    watch.turn()
    incident = store.found(1)
    assert incident is not None
    assert "Shortly before (correlated): settings: retention.ms" in str(incident.answers.what)
    assert not any("no member" in line for line in incident.answers.what.evidence), "it only repeats the signal"
    assert [entry.text for entry in incident.timeline if entry.who == "monitor"][:3] == [
        "settings: retention.ms was 2 and is 1",
        "brokers: broker 1 is gone",
        "members: it has no member any more",
    ]


def test_promised_reactions_are_judged_by_when_pages_arrived_and_a_late_repair_pages(
    engine: Engine, tmp_path: Path
) -> None:
    stream = StreamConfiguration("orders.landing", "orders", "c")
    gate = GateConfiguration("orders", "primary", (stream,))
    promise = ReactionPromise(notify_ms=30_000, repair_ms=600_000)
    with PageReceiver() as chat, PageReceiver() as chief:
        routes = (
            AlertConfiguration("chat", AlertKind.WEBHOOK, chat.url),
            AlertConfiguration("chief", AlertKind.WEBHOOK, chief.url, alarms_min=5),
        )
        world = World(configuration(tmp_path, *routes), engine)
        world.promised = (PromisedReaction(gate, stream, promise),)
        watch, store = world.monitor("one"), DatabaseIncidents(engine)
        chat.refuses = True
        watch.turn()
        world.clock.advance(60)
        chat.refuses = False
        watch.turn()
        assert statuses(chat) == ["firing"], "it has arrived a minute late"
        # Another monitor over the same database goes on with it.
        world.clock.advance(100)
        watch = world.monitor("two")
        watch.turn()
        incident = store.found(1)
        assert incident is not None
        assert incident.notified_ms == incident.opened_ms + 60_000
        assert incident.passed == (Reaction.NOTIFY,)
        assert statuses(chief) == []
        world.clock.advance(600)
        watch.turn()
        watch.turn()
        incident = store.found(1)
        assert incident is not None
        assert (incident.alarms, incident.passed) == (5, (Reaction.NOTIFY, Reaction.REPAIR))
        assert statuses(chief) == ["firing"]
        assert [entry.text for entry in incident.timeline if " passed: " in entry.text] == [
            "timeToNotify passed: 60 s of 30 s, by its contract",
            "timeToRepair passed: 13 min of 10 min, by its contract; rises from 4 to 5 alarms",
        ]
        now_ms = world.clock.now_ms()
        done = do(store, 1, lambda found: resolve(found, "ada", "restarted", now_ms), routes_of(world.settings), now_ms)
        assert "timeToNotify passed: 60 s of 30 s; timeToRepair passed: 13 min of 10 min; restarted." in str(
            done.summary
        )


def test_the_three_forms_and_the_dead_mans_switch(engine: Engine, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("sesame\n")
    with PageReceiver() as receiver:
        alerts = (
            AlertConfiguration("am", AlertKind.ALERTMANAGER, receiver.url, token_file=key),
            AlertConfiguration("pd", AlertKind.PAGERDUTY, f"{receiver.url}/v2/enqueue", key_file=key),
            AlertConfiguration("alive", AlertKind.HEARTBEAT, f"{receiver.url}/alive"),
            AlertConfiguration("far", AlertKind.WEBHOOK, "http://192.0.2.1/", token_file=key),
        )
        runbook = SiteRunbook(signal=SignalKind.CLUSTER_UNREACHABLE, url="https://wiki/down", text="Call the network.")
        watch = World(configuration(tmp_path, *alerts, runbooks=(runbook,)), engine).monitor("one")
        watch.turn()
        taken = {path: (headers, body) for path, headers, body in receiver.taken}
        headers, (alert,) = taken["/api/v2/alerts"]
        assert headers["Authorization"] == "Bearer sesame"
        assert alert["labels"]["alertname"] == "WatermasterIncident"
        assert alert["startsAt"] < alert["endsAt"]
        assert alert["annotations"]["runbook_url"] == "https://wiki/down"
        assert alert["annotations"]["runbook"] == "Call the network."
        _, event = taken["/v2/enqueue"]
        assert (event["routing_key"], event["event_action"]) == ("sesame", "trigger")
        assert len(event["payload"]["summary"]) <= 1024
        assert len(event["dedup_key"]) <= 255
        assert event["payload"]["severity"] == "critical"
        assert event["links"] == [{"href": "https://wiki/down", "text": "Runbook"}]
        assert "/alive" in taken
        # A secret never goes over an open line beyond this machine; the page waits, and that is said.
        assert watch.state.refused == {"far": "it would send a secret unencrypted"}
        assert watch.state.pages_waiting == 1
