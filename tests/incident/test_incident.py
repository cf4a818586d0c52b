"""The rules of incidents: numbered cases with their reasons, and properties over any history of looks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from signals import problem, signal

from watermaster.incident.answer import Answer, Surroundings, answer
from watermaster.incident.incident import Entry, Incident, acknowledge, assign, resolve
from watermaster.incident.life import TRANSITIONS, Action, State, step
from watermaster.incident.page import PAGE_CHARACTERS_MAX, page_text
from watermaster.incident.paging import Happening, Page, Route, Silence, plan_pages
from watermaster.incident.problem import ProblemKey, group_signals
from watermaster.incident.progress import Policy, advance
from watermaster.incident.severity import HOUR_MS, SeverityRow, alarms_of
from watermaster.incident.signal import Signal, SignalKind

POLICY = Policy(raise_after_ms=30, clear_after_ms=100, return_within_ms=1000)


def opened(*signals: Signal, around: Surroundings | None = None) -> Incident:
    (incident,) = advance([], {"primary/billing": -999}, [problem(*signals, around=around)], (), POLICY, 0).changed
    return replace(incident, number=7)


@pytest.mark.parametrize(
    ("number", "signals", "alarms"),
    [
        (1, [signal(SignalKind.GROUP_ABANDONED, lost_max=9)], 1),  # nobody wants it; nobody is woken
        (2, [signal()], 2),  # stopped, and nothing is threatened yet
        (3, [signal(), signal(SignalKind.LOSS_NEAR, left_ms=20 * HOUR_MS)], 3),  # the loudest signal counts
        (4, [signal(SignalKind.LOSS_NEAR, left_ms=6 * HOUR_MS)], 4),
        (5, [signal(SignalKind.LOSS_NEAR, left_ms=HOUR_MS)], 5),  # about to be lost
        (6, [signal(SignalKind.LOSS_NEAR, left_ms=None)], 3),  # unknown meets no bound
        (7, [signal(SignalKind.DATA_LOST, lost_max=1)], 5),
        (8, [signal(waiting_ms=6 * HOUR_MS, real_time=True)], 5),  # six hours without a real-time stream
        (9, [signal(waiting_ms=6 * HOUR_MS, real_time=None)], 2),
        (10, [signal(SignalKind.GATE_STOPPED, blast=3)], 4),  # it starves three groups
        (11, [signal(SignalKind.HELD_SHARE, held_share=0.7)], 3),
    ],
)
def test_severity(number: int, signals: list[Signal], alarms: int) -> None:
    assert alarms_of(signals) == alarms, number


def test_a_site_brings_its_own_table() -> None:
    assert alarms_of([signal()], [SeverityRow(4, SignalKind.CONSUMER_STOPPED)]) == 4
    assert alarms_of([signal()], []) == 1


def test_signals_of_one_group_are_one_problem_and_follow_their_cause() -> None:
    stopped, near = signal(group="gate"), signal(SignalKind.LOSS_NEAR, group="gate", topic="other")
    fed, alone = signal(group="fed"), signal(group="alone")
    a, b, c = (ProblemKey("primary", name) for name in ("gate", "fed", "alone"))
    found = group_signals([stopped, near, fed, alone], {b: a, a: b})
    assert {key: len(signals) for key, signals in found.items()} in (
        {a: 3, c: 1},
        {b: 1, a: 2, c: 1},
        {a: 1, b: 2, c: 1},
    )
    assert group_signals([stopped, near, fed, alone], {b: a}) == {a: (stopped, near, fed), c: (alone,)}
    # A feeder that works explains nothing.
    assert set(group_signals([replace(near), fed], {b: a})) == {a, b}


def test_it_opens_only_once_it_has_lasted_and_closes_only_once_it_was_gone() -> None:
    first = advance([], {}, [problem()], (), POLICY, 0)
    assert first.changed == ()
    assert first.pending == {"primary/billing": 0}
    # Gone in between: it begins anew.
    assert advance([], first.pending, [], (), POLICY, 10).pending == {}
    (incident,) = advance([], first.pending, [problem()], (), POLICY, 30).changed
    assert (incident.state, incident.alarms) == (State.OPEN, 2)
    (clearing,) = advance([incident], {}, [], (), POLICY, 40).changed
    assert clearing.state is State.OPEN
    (back,) = advance([clearing], {}, [problem()], (), POLICY, 90).changed
    assert back.clear_since_ms is None
    (clearing,) = advance([back], {}, [], (), POLICY, 100).changed
    (closed,) = advance([clearing], {}, [], (), POLICY, 200).changed
    assert closed.state is State.RESOLVED
    assert closed.summary is not None
    assert "nobody acknowledged it" in closed.summary
    (again,) = advance([closed], {"primary/billing": 210}, [problem()], (), POLICY, 240).changed
    assert (again.state, again.opened_ms) == (State.OPEN, incident.opened_ms), "soon after, it is the same one"
    (new,) = advance([closed], {"primary/billing": 1300}, [problem()], (), POLICY, 1400).changed
    assert (new.number, new.opened_ms) == (0, 1400)


def test_five_alarms_do_not_wait() -> None:
    (incident,) = advance([], {}, [problem(signal(SignalKind.DATA_LOST, lost_max=3))], (), POLICY, 0).changed
    assert incident.alarms == 5
    (later,) = advance([incident], {}, [problem()], (), POLICY, 10).changed
    assert later.alarms == 5, "it does not sink while it is open"
    closed = resolve(later, "ada", "restarted", 20)
    assert closed is not None
    assert "up to 3 records were lost" in (closed.summary or "")


def test_a_blind_look_ends_nothing_and_forgets_nothing() -> None:
    incident = replace(opened(), clear_since_ms=50)
    (kept,) = advance([incident], {}, [], {"primary"}, POLICY, 10_000).changed
    assert (kept.state, kept.clear_since_ms) == (State.OPEN, None)
    assert advance([], {"primary/billing": 3}, [], {"primary"}, POLICY, 9).pending == {"primary/billing": 3}


@given(st.lists(st.tuples(st.sampled_from(["seen", "gone", "blind"]), st.integers(1, 60)), max_size=40))
def test_an_incident_closes_only_after_an_unbroken_quiet(history: list[tuple[str, int]]) -> None:
    incident, now_ms, quiet_since = opened(), 0, None
    for look, passed_ms in history:
        now_ms += passed_ms
        problems, blind = ([problem()] if look == "seen" else [], {"primary"} if look == "blind" else set())
        quiet_since = (quiet_since if quiet_since is not None else now_ms) if look == "gone" else None
        for changed in advance([incident], {}, problems, blind, POLICY, now_ms).changed:
            incident = changed
        closed = incident.state is State.RESOLVED
        assert closed == (quiet_since is not None and now_ms - quiet_since >= POLICY.clear_after_ms)
        if closed:
            return


def test_who_is_paged() -> None:
    routes = [Route("chat", 1, 0), Route("pager", 2, 0), Route("chief", 1, 900), Route("loud", 4, 0)]
    incident, pages = plan_pages(None, opened(), routes, [], 0)
    assert pages == (Page("chat", Happening.TRIGGER, 1, 2), Page("pager", Happening.TRIGGER, 1, 2))
    assert plan_pages(incident, incident, routes, [], 899) == (incident, ())
    _, pages = plan_pages(incident, incident, routes, [], 900)
    assert [page.route for page in pages] == ["chief"], "nobody took it"
    taken = acknowledge(incident, "ada", 10)
    assert taken is not None
    taken, pages = plan_pages(incident, taken, routes, [], 10)
    assert {(page.route, page.happening) for page in pages} == {
        ("chat", Happening.ACKNOWLEDGE),
        ("pager", Happening.ACKNOWLEDGE),
    }
    assert plan_pages(taken, taken, routes, [], 901) == (taken, ())
    louder, pages = plan_pages(taken, replace(taken, alarms=5), routes, [], 902)
    assert {page.route for page in pages} == {"chat", "pager", "loud"}
    done = resolve(louder, "ada", "mended", 903)
    assert done is not None
    done, pages = plan_pages(louder, done, routes, [], 903)
    assert {page.happening for page in pages} == {Happening.RESOLVE}
    assert plan_pages(done, done, routes, [], 904)[1] == ()


def test_a_silence_ends() -> None:
    routes, silence = [Route("pager", 1, 0)], Silence("primary/bill*", 100, "ada", "drill")
    incident, pages = plan_pages(None, opened(), routes, [silence], 0)
    assert pages == ()
    assert plan_pages(incident, incident, routes, [silence], 100)[1] != ()
    assert plan_pages(incident, incident, routes, [replace(silence, pattern="other/*")], 0)[1] != ()


texts = st.text(max_size=3000)


@given(texts, texts, st.lists(texts, max_size=3), texts)
def test_a_page_fits_and_has_all_five_answers_and_the_command(
    title: str, owner: str, before: list[str], copy: str
) -> None:
    around = Surroundings(owner, "contract", tuple(before), (copy,), standby=True)
    incident = replace(opened(around=around), title=title)
    text = page_text(incident)
    assert len(text) <= PAGE_CHARACTERS_MAX
    lines = text.split("\n")
    assert len(lines) == 7
    for line, label in zip(lines[1:6], ("What", "Whose", "Loss", "Fix", "Copy"), strict=True):
        assert line.startswith(f"{label}: ")
    assert "incident show 7" in lines[6]


def test_what_is_not_known_says_what_is_missing() -> None:
    for question, found in answer([signal()], Surroundings()).listed():
        assert found.text or found.missing, question
    cluster = answer([signal(SignalKind.CLUSTER_UNREACHABLE, None)], Surroundings())
    assert [found.text is None for _, found in cluster.listed()] == [False, True, True, True, True]
    assert str(Answer(None, missing="a key")) == "not known: a key"
    blamed = answer([signal()], Surroundings(before=("deploy of billing 1.2 by ci",)))
    assert "correlated" in str(blamed.what)


def test_records_that_two_signals_speak_of_are_counted_once() -> None:
    stopped, near = signal(unread_max=40), signal(SignalKind.LOSS_NEAR, unread_max=40)
    other = signal(topic="other", unread_max=2)
    assert "up to 42 records wait" in str(answer([stopped, near, other], Surroundings()).fix)


def test_the_timeline_is_bounded() -> None:
    incident = opened()
    first = incident.timeline[0]
    for number in range(700):
        incident = incident.noted(Entry(number, "script", str(number)))
    assert len(incident.timeline) <= 500
    assert incident.timeline[0] == first
    assert incident.timeline[-1].text == "699"
    assert incident.told([Entry(1, "ci", "deploy: one too many")]) is incident, "else it would come and go for ever"


@given(st.lists(st.builds(Entry, st.integers(0, 50), st.just("ci"), st.sampled_from("abc"))))
def test_what_happened_beside_it_stands_once_and_at_its_time(entries: list[Entry]) -> None:
    incident = opened(signal())
    told = incident.told(entries)
    assert told.told(entries) is told
    assert set(told.timeline) == {*incident.timeline, *entries}
    assert len(told.timeline) == len(set(told.timeline))
    assert [entry.at_ms for entry in told.timeline] == sorted(entry.at_ms for entry in told.timeline)


class LifeCycle(RuleBasedStateMachine):
    """Whatever people and looks do in whatever order: only what the table allows happens, and all of it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.incident = opened()
        self.now_ms = 0

    def act(self, action: Action, done: Incident | None) -> None:
        wanted = step(self.incident.state, action)
        assert (done is None) == (wanted is None)
        if done is not None:
            assert done.state is wanted
            assert len(done.timeline) == len(self.incident.timeline) + 1
            self.incident = done

    @rule()
    def acknowledge(self) -> None:
        self.act(Action.ACKNOWLEDGE, acknowledge(self.incident, "ada", self.now_ms))

    @rule()
    def assign(self) -> None:
        self.act(Action.ASSIGN, assign(self.incident, "bob", "ada", self.now_ms))

    @rule()
    def resolve(self) -> None:
        self.act(Action.RESOLVE, resolve(self.incident, "ada", "mended", self.now_ms))

    @rule(look=st.sampled_from(["seen", "gone", "blind"]), passed_ms=st.integers(1, 400))
    def look(self, look: str, passed_ms: int) -> None:
        self.now_ms += passed_ms
        problems, blind = ([problem()] if look == "seen" else [], {"primary"} if look == "blind" else set())
        was = self.incident
        pending = {was.key: self.now_ms - 50}
        for changed in advance([was], pending, problems, blind, POLICY, self.now_ms).changed:
            if changed.number == 0:
                assert self.now_ms - (was.resolved_ms or 0) > POLICY.return_within_ms
            elif changed.state is not was.state:
                assert (was.state is State.RESOLVED) == (changed.state is State.OPEN)
            self.incident = replace(changed, number=changed.number or was.number + 1)

    @invariant()
    def an_end_has_its_moment_and_summary(self) -> None:
        closed = self.incident.state is State.RESOLVED
        assert closed == (self.incident.resolved_ms is not None) == (self.incident.summary is not None)


TestLifeCycle = LifeCycle.TestCase


def test_every_state_can_be_left_and_be_noted_on() -> None:
    for state in State:
        assert any(origin is state and target is not state for (origin, _), target in TRANSITIONS.items())
        assert step(state, Action.NOTE) is state
