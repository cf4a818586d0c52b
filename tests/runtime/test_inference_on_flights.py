"""Drafts from slices of the real flights: of the records that were held out, fewer than one in a hundred is held."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from inference_world import draft, flights, held_exactly, held_share

FALSE_ALARMS_MAX = 0.01
JUDGED = 20_000
"""Of the held-out records, spread over the year."""

Slice = Callable[[Sequence[bytes | None]], Sequence[bytes | None]]
SLICES: dict[str, Slice] = {
    "its first days": lambda year: year[:3_000],
    "a day": lambda year: year[100_000:100_900],
    "five hundred in a row, none of them cancelled": lambda year: year[50_000:50_500],
    "a thousand at random": lambda year: random.Random(17).sample(year, 1_000),
    "five thousand at random": lambda year: random.Random(18).sample(year, 5_000),
}


@pytest.mark.parametrize("name", SLICES)
def test_a_slice_speaks_for_the_year(name: str) -> None:
    sample = SLICES[name](flights())
    text = draft(sample).text
    assert held_exactly(text, sample) == []
    assert held_share(text, flights()[:: len(flights()) // JUDGED]) < FALSE_ALARMS_MAX


FAULTS: list[dict[str, Any]] = [
    {"month": 13}, {"day": 0}, {"hour": "5"}, {"minute": None}, {"carrier": "United"}, {"carrier": 7},
    {"origin": "ZRH"},
    {"dest": "iah"}, {"distance": -1}, {"distance": 1e9}, {"sched_dep_time": 575}, {"sched_dep_time": 2500},
    {"time_hour": "2013-01-01"}, {"time_hour": "2013-02-30T10:00:00Z"}, {"time_hour": "2013-01-01T10:00:00"},
    {"dep_delay": 12.5}, {"flight": "UA17"}, {"tailnum": ["N14228"]}, {"tailnum": ""}, {"air_time": -5},
]  # fmt: skip


def test_planted_faults_are_found() -> None:
    text = draft(random.Random(19).sample(flights(), 5_000)).text
    (good,) = flights()[:1]
    assert good is not None
    planted = [json.dumps({**json.loads(good), **fault}).encode() for fault in FAULTS]
    missing = [
        json.dumps({k: v for k, v in json.loads(good).items() if k != name}).encode() for name in ("year", "dest")
    ]
    assert held_exactly(text, [good]) == []
    assert held_exactly(text, [*planted, *missing]) == list(range(len(planted) + len(missing)))


def events(year: Sequence[bytes | None]) -> list[bytes | None]:
    """What an airport would tell of the same flights: event types with shared members and their own."""
    told: list[bytes | None] = []
    for value in year:
        flight = json.loads(value or b"{}")
        common = {"flight": f"{flight['carrier']}{flight['flight']}", "at": flight["time_hour"]}
        if flight["dep_time"] is None:
            own = [("cancelled", {"origin": flight["origin"]})]
        else:
            own = [("departed", {"aircraft": {"tail": flight["tailnum"]}, "dep_delay": flight["dep_delay"]})]
            if flight["arr_time"] is not None:
                own.append(("landed", {"dest": flight["dest"], "arr_time": flight["arr_time"]}))
        told.extend(json.dumps({"event": event, **common, **members}).encode() for event, members in own)
    return told


def test_variants_of_real_events_are_told_apart() -> None:
    year = flights()
    sample = events(year[:8_000])
    text = draft(sample).text
    assert "event tells 3 variants apart" in text
    assert held_exactly(text, sample) == []
    assert held_share(text, events(year[::25])) < FALSE_ALARMS_MAX
    wrong = json.dumps({"event": "landed", "flight": "UA1", "at": "2013-01-01T10:00:00Z", "dest": "IAH"}).encode()
    assert held_exactly(text, [wrong]) == [0], "a landing without its time"
