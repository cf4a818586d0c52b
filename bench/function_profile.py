"""A cProfile of a worker, told as steps of the transfer. Pure: from the profile's table to named shares.

Functions without a place of their own (built-in ones, methods of C types) count for the step that calls them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

Key: TypeAlias = tuple[str, int, str]
Statistics: TypeAlias = Mapping[Key, tuple[int, int, float, float, Mapping[Key, tuple[int, int, float, float]]]]
"""As `pstats.Stats.stats`: function -> calls, calls, own seconds, seconds with callees, the same by caller."""

START: Final = "start: positions, ledger, contract"
REST: Final = "the rest"

_BUILT_IN: Final = "~"
_CLIENT_CALLS: Final = (
    ("wait and read: the client's consume()", ("'consume' of",)),
    ("write: the client's produce()", ("'produce' of",)),
    ("write: serve callbacks", ("'poll' of 'cimpl.Producer'",)),
    ("commit: waiting for the broker", ("commit_transaction' of", "offsets_to_transaction' of")),
    (START, ("init_transactions' of", "watermark_offsets' of", "list_topics' of", "'committed' of")),
)
_PLACES: Final = (
    ("judge", ("watermaster/gate/", "msgspec", "re2", "runtime/judging.py")),
    ("messages to columns", ("kafka/columns.py", "cimpl.Message'", "stream/batch.py")),
    ("write: our side of it", ("kafka/downstream.py",)),
    ("envelopes and ledger", ("watermaster/quarantine/", "runtime/gate.py", "stream/coordinates.py")),
    (
        START,
        (
            "kafka/log_reader.py",
            "kafka/cluster_view.py",
            "runtime/gate_position.py",
            "runtime/contracts_in_force.py",
            "watermaster/contract/",
            "watermaster/wiring/",
            "importlib",
            "yaml",
        ),
    ),
    ("the transfer loop", ("watermaster/runtime/", "kafka/upstream.py")),
)
"""The first whose mark is in a function's place counts."""


class Spent(NamedTuple):
    """Own time of one function within one step."""

    step: str
    place: str
    calls: int
    own_s: float


def spent(statistics: Statistics) -> list[Spent]:
    """Own times by step and function, the longest first."""
    found: dict[tuple[str, str], tuple[int, float]] = defaultdict(lambda: (0, 0.0))

    def add(step: str, place: str, calls: int, own_s: float) -> None:
        before = found[step, place]
        found[step, place] = before[0] + calls, before[1] + own_s

    for key, (_, calls, own_s, _, callers) in statistics.items():
        if key[0] != _BUILT_IN or not callers:
            add(_step(key), _place(key), calls, own_s)
            continue
        for caller, (_, calls_from, own_s_from, _) in callers.items():
            add(_step_of_built_in(key, caller), _place(key), calls_from, own_s_from)
    rows = [Spent(step, place, calls, own_s) for (step, place), (calls, own_s) in found.items()]
    return sorted(rows, key=lambda row: -row.own_s)


def by_step(rows: list[Spent]) -> dict[str, float]:
    """Seconds by step, the longest first."""
    total: dict[str, float] = defaultdict(float)
    for row in rows:
        total[row.step] += row.own_s
    return dict(sorted(total.items(), key=lambda item: -item[1]))


def _step_of_built_in(key: Key, caller: Key) -> str:
    from_ = _step(caller)
    if from_ == START:  # the same client calls serve the start and the loop
        return START
    return _match(key[2], _CLIENT_CALLS) or _match(key[2], _PLACES) or from_


def _step(key: Key) -> str:
    return _match(_place(key), _CLIENT_CALLS) or _match(_place(key), _PLACES) or REST


def _match(place: str, table: tuple[tuple[str, tuple[str, ...]], ...]) -> str | None:
    return next((step for step, marks in table if any(mark in place for mark in marks)), None)


def _place(key: Key) -> str:
    file, _, name = key
    if file == _BUILT_IN:
        return name.removeprefix("<").removesuffix(">").replace(" objects", "")
    within = file.rpartition("site-packages/")[2].rpartition("/src/")[2]
    return f"{within} {name}"


def statistics_of(profile: Any) -> Statistics:  # noqa: ANN401 - a table that the stubs of `pstats` do not show
    """The table inside a `pstats.Stats`."""
    return profile.stats  # type: ignore[no-any-return]
