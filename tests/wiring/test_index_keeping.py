"""What goes wrong beside the monitor's looks is said in them, and ends neither them nor the keeping of indexes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from watermaster.runtime.configuration import (
    ClusterConfiguration,
    Configuration,
    GateConfiguration,
    StreamConfiguration,
)
from watermaster.stream.fault import WorldFault
from watermaster.wiring import index_keeping
from watermaster.wiring.index_keeping import IndexKeeper


class Store:
    """Knows of an index of the gate, and of nothing else."""

    def names(self) -> tuple[str, ...]:
        return ("orders",)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[IndexKeeper]:
    gate = GateConfiguration("orders", "shop", (StreamConfiguration("landing", "orders", "c.odcs.yaml"),))
    clusters = {"shop": ClusterConfiguration("shop", "127.0.0.1:1")}
    configuration = Configuration(tmp_path / "watermaster.yaml", clusters, tmp_path, tmp_path, gates={"orders": gate})
    keeper = IndexKeeper(replace(configuration, monitor=replace(configuration.monitor, poll_ms=20)))
    yield keeper
    keeper.close()


def until(keeper: IndexKeeper, reached: Callable[[tuple[str, ...]], bool]) -> None:
    until_s = time.monotonic() + 30
    while not reached(keeper.turn([], 0).unseen):
        assert time.monotonic() < until_s, keeper.turn([], 0).unseen
        time.sleep(0.01)


def test_a_defect_is_said_for_as_long_as_it_lasts(keeper: IndexKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Configuration) -> Store:
        raise RuntimeError("canary")

    monkeypatch.setattr(index_keeping, "open_store", broken)
    until(keeper, lambda unseen: unseen == ("the indexes of held records: unexpected RuntimeError",))
    monkeypatch.setattr(index_keeping, "open_store", lambda _: Store())
    monkeypatch.setattr(Store, "names", lambda _: ())
    until(keeper, lambda unseen: unseen == ())


def test_a_desk_whose_indexer_cannot_be_made_is_closed(keeper: IndexKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"open": 0, "most": 0, "all": 0}

    class Desk:
        def __enter__(self) -> Desk:
            counts["open"] += 1
            counts["all"] += 1
            counts["most"] = max(counts["most"], counts["open"])
            return self

        def __exit__(self, *_: object) -> None:
            counts["open"] -= 1

    def denied(*_: object) -> None:
        raise WorldFault("WM-X", "The topic cannot be seen.", hint="Try again.")

    monkeypatch.setattr(index_keeping, "open_store", lambda _: Store())
    monkeypatch.setattr(index_keeping, "open_desk", lambda *_: Desk())
    monkeypatch.setattr(index_keeping, "indexer_of", denied)
    until(keeper, lambda unseen: counts["all"] > 3 and unseen == (
        "the index of held records of orders: The topic cannot be seen.",))  # fmt: skip
    assert counts["most"] == 1
