"""The supervisor over real processes, one way of ending each."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from process_stubs import worker

from watermaster.runtime import supervisor as module
from watermaster.runtime.gate_statistics import GateStatistics
from watermaster.runtime.judging import Judging
from watermaster.runtime.supervisor import QUICK_DEATHS_MAX, Supervisor
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault


class Run:
    def __init__(self, directory: Path, *lives: list[str]) -> None:
        self.noted: list[tuple[Judging, str]] = []
        self.statistics = GateStatistics("g")
        self.seen = 0
        self.supervisor = Supervisor(
            main=worker,
            spec=list(lives),
            workers=len(lives),
            directory=directory,
            statistics=self.statistics,
            note_suspect=lambda judging, cause: self.noted.append((judging, cause)),
            on_change=self._count,
        )

    def _count(self, _: GateStatistics) -> None:
        self.seen += 1

    def to_the_end(self) -> None:
        until_s = time.monotonic() + 60
        self.supervisor.run(lambda: time.monotonic() > until_s)
        assert time.monotonic() < until_s, "the supervisor did not end by itself"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_PAUSE_S_MAX", 0.05)
    monkeypatch.setattr(module, "FENCED_PAUSE_S", 0.05)
    monkeypatch.setattr(module, "POLL_S", 0.02)


def test_workers_that_finish_end_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path, ["finish"], ["finish"])
    run.to_the_end()
    assert (run.statistics.restarts, run.noted) == (0, [])
    assert run.statistics.streams()["orders"].read == 20
    assert run.seen > 0


def test_a_fault_for_a_person_stops_every_worker(tmp_path: Path) -> None:
    run = Run(tmp_path, ["wait"], ["fault"])
    with pytest.raises(WorldFault, match="WM-X: something for a person") as raised:
        run.to_the_end()
    assert raised.value.hint == "do something"
    assert all(w.process is None or not w.process.is_alive() for w in run.supervisor._workers)


def test_a_first_fence_is_tried_once_more(tmp_path: Path) -> None:
    """After a coordinator stood still the other process under our name may have been ourselves."""
    run = Run(tmp_path, ["fenced", "finish"])
    run.to_the_end()
    assert (run.statistics.restarts, run.statistics.fences) == (1, 1)


def test_a_second_fence_soon_after_the_first_stops_the_gate(tmp_path: Path) -> None:
    run = Run(tmp_path, ["fenced", "fenced", "finish"])
    with pytest.raises(WorldFault, match="WM-GATE-FENCED"):
        run.to_the_end()
    assert (run.statistics.restarts, run.statistics.fences) == (1, 2)


def test_who_was_fenced_leaves_the_name_alone_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that take it at the same time would fence each other twice, and both would end."""
    monkeypatch.setattr(module, "FENCED_PAUSE_S", 600.0)
    run = Run(tmp_path, ["fenced", "finish"], ["die", "finish"])
    run.supervisor.run(lambda: run.statistics.restarts == 2 and run.supervisor._workers[1].finished)
    fenced, died = run.supervisor._workers
    assert (fenced.finished, died.finished) == (False, True)
    assert fenced.start_after_s > time.monotonic() + 500
    assert (tmp_path / "lives-0").read_bytes() == b"."


def test_being_told_to_stop_lets_workers_finish(tmp_path: Path) -> None:
    run = Run(tmp_path, ["wait"], ["wait"])
    until_s = time.monotonic() + 1.5
    run.supervisor.run(lambda: time.monotonic() > until_s)
    assert run.statistics.streams()["orders"].read == 20, "what they sent last was heard"
    assert all(w.process is not None and w.process.exitcode == 0 for w in run.supervisor._workers)


@pytest.mark.parametrize(("how", "cause"), [("die judging", "native_crash"), ("hang judging", "timeout")])
def test_who_dies_or_hangs_while_judging_makes_the_range_suspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, cause: str
) -> None:
    monkeypatch.setattr(module, "JUDGING_TIMEOUT_S", 1.0)
    run = Run(tmp_path, [how, "finish"])
    run.to_the_end()
    ((judging, found),) = run.noted
    assert (judging.source, judging.from_, judging.to) == (TopicPartition("orders", 0), 5, 9)
    assert found == cause
    assert run.statistics.restarts == 1


def test_who_dies_otherwise_is_started_again(tmp_path: Path) -> None:
    run = Run(tmp_path, ["die", "die", "finish"])
    run.to_the_end()
    assert (run.statistics.restarts, run.noted) == (2, [])


def test_who_dies_again_and_again_without_a_commit_stops_the_gate(tmp_path: Path) -> None:
    run = Run(tmp_path, ["die"])
    with pytest.raises(WorldFault, match="WM-WORKER-DIES"):
        run.to_the_end()
    assert run.statistics.restarts == QUICK_DEATHS_MAX


def test_who_commits_between_deaths_goes_on_and_loses_no_count(tmp_path: Path) -> None:
    run = Run(tmp_path, ["commit and die"] * 2 + ["die"] * 3 + ["commit and die", "finish"])
    run.to_the_end()
    assert run.statistics.restarts == 6
    assert run.statistics.streams()["orders"].read == 10 + 20 + 60 + 70
    assert sum(w.transactions for w in run.statistics.everyone()) == 4


def test_a_note_that_cannot_be_written_stops_the_gate(tmp_path: Path) -> None:
    run = Run(tmp_path, ["die judging"])

    def fail(judging: Judging, cause: str) -> None:
        raise WorldFault("WM-NOTE", "the note cannot be written", hint="-")

    run.supervisor.note_suspect = fail
    with pytest.raises(WorldFault, match="WM-NOTE"):
        run.to_the_end()


def test_a_worker_that_gives_no_sign_of_life_is_replaced_and_nothing_is_suspected(tmp_path: Path) -> None:
    """A call into a client library that never returns cannot be ended from inside."""
    run = Run(tmp_path, ["fall silent", "finish"])
    run.supervisor.silence_s_max = 0.3
    run.to_the_end()
    assert (run.statistics.restarts, run.noted) == (1, [])
    assert "silent" in run.statistics.last_words
