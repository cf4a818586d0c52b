"""How much of an objective's error budget is left, and how fast it burns: sums over slots of time.

What was bad is kept beside what was seen at all, in time for what is bad or not, in records for what is counted. The
older it is, the wider the slots: minutes for six hours, ten minutes for three days, hours for thirty days, so that one
objective never needs more than `SLOTS_MAX` of them. What nobody saw is in neither number: unknown, and never good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from watermaster.monitor.objective import BURN_WINDOWS, EVENTS_MIN, BurnWindow, Indicator, Objective
from watermaster.monitor.promise import MINUTE_MS

HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
BUDGET_MS: Final = 30 * DAY_MS
"""The time that a budget is for."""


class Tier(NamedTuple):
    """Slots of one width, and the age up to which they are kept."""

    width_ms: int
    kept_ms: int


TIERS: Final = (Tier(MINUTE_MS, 6 * HOUR_MS), Tier(10 * MINUTE_MS, 3 * DAY_MS), Tier(HOUR_MS, BUDGET_MS))
"""Each width divides the next one, so that a slot falls into one wider slot whole."""

SLOTS_MAX: Final = sum(tier.kept_ms // tier.width_ms + 2 for tier in TIERS)

SEEN_SHARE_MIN: Final = 0.5
"""Of a window that was seen less than this, what is good is not said."""


class SlotKey(NamedTuple):
    """Which slot: its width and its beginning, milliseconds since the epoch."""

    width_ms: int
    start_ms: int


class Amount(NamedTuple):
    """Bad, of what was seen: milliseconds or records."""

    bad: float = 0.0
    seen: float = 0.0

    def __add__(self, other: object) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        return Amount(self.bad + other.bad, self.seen + other.seen)

    @property
    def share(self) -> float | None:
        """Bad over seen; None if nothing was."""
        return self.bad / self.seen if self.seen > 0 else None


class BadHistory:
    """The slots of one objective. It remembers which of them have changed since `take_changes`."""

    def __init__(self, slots: Iterable[tuple[SlotKey, Amount]] = ()) -> None:
        self._slots = dict(slots)
        self._changed: set[SlotKey] = set()

    def add(self, at_ms: int, amount: Amount) -> None:
        """Count what was seen at a moment."""
        width_ms = TIERS[0].width_ms
        self._add(SlotKey(width_ms, at_ms // width_ms * width_ms), amount)

    def add_span(self, from_ms: int, to_ms: int, *, bad: bool) -> None:
        """Count a stretch of time that was bad or good as a whole."""
        width_ms = TIERS[0].width_ms
        while from_ms < to_ms:
            end_ms = min(to_ms, from_ms // width_ms * width_ms + width_ms)
            length = float(end_ms - from_ms)
            self.add(from_ms, Amount(length if bad else 0.0, length))
            from_ms = end_ms

    def forget_since(self, at_ms: int) -> int:
        """Drop the narrowest slots from the one that holds `at_ms` on; returns where the first of those begins."""
        width_ms = TIERS[0].width_ms
        since_ms = at_ms // width_ms * width_ms
        for key in [key for key in self._slots if key.width_ms == width_ms and key.start_ms >= since_ms]:
            self._drop(key)
        return since_ms

    def fold(self, now_ms: int) -> None:
        """Move what has grown old into wider slots, and drop what is older than the budget."""
        for tier, wider in zip(TIERS, (*TIERS[1:], None), strict=True):
            width_ms, old_ms = tier.width_ms, now_ms - tier.kept_ms - tier.width_ms
            for key in [key for key in self._slots if key[0] == width_ms and key[1] <= old_ms]:
                amount = self._drop(key)
                if wider is not None:
                    self._add(SlotKey(wider.width_ms, key.start_ms // wider.width_ms * wider.width_ms), amount)

    def over(self, window_ms: int, now_ms: int) -> Amount:
        """The sum over the window that ends now; of a slot that only reaches into it, its share by time."""
        bad = seen = 0.0
        since_ms = now_ms - window_ms
        # Plain numbers: a monitor asks this seven times for each objective, over all slots, at every look.
        for (width_ms, start_ms), (slot_bad, slot_seen) in self._slots.items():
            end_ms = start_ms + width_ms
            if end_ms <= since_ms:
                continue
            if start_ms < since_ms or end_ms > now_ms:
                end_ms = min(end_ms, max(now_ms, start_ms + 1))
                inside = end_ms - max(start_ms, since_ms)
                share = min(1.0, max(0.0, inside / (end_ms - start_ms)))
                bad, seen = bad + slot_bad * share, seen + slot_seen * share
            else:
                bad, seen = bad + slot_bad, seen + slot_seen
        return Amount(bad, seen)

    @property
    def newest_ms(self) -> int | None:
        """Where the newest slot begins; None if there is none."""
        return max((key.start_ms for key in self._slots), default=None)

    def slots(self) -> Iterator[tuple[SlotKey, Amount]]:
        """All of them."""
        return iter(self._slots.items())

    def take_changes(self) -> dict[SlotKey, Amount | None]:
        """What has changed since the last time it was asked; None for a slot that is gone."""
        changed = {key: self._slots.get(key) for key in self._changed}
        self._changed.clear()
        return changed

    def _add(self, key: SlotKey, amount: Amount) -> None:
        self._slots[key] = self._slots.get(key, Amount()) + amount
        self._changed.add(key)

    def _drop(self, key: SlotKey) -> Amount:
        self._changed.add(key)
        return self._slots.pop(key)


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows. Rates are multiples of the pace that uses the budget up in just its 30 days; None: too
    little was seen to say so. `burning`: both windows pass the factor.
    """

    window: BurnWindow
    long: float | None
    short: float | None
    burning: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """Where an objective stands. `left` is the share of its budget, at the best (None: nothing was seen); below zero
    it is overdrawn. `seen` is the share of the budget's 30 days that somebody looked at; None for what is counted in
    records.
    """

    left: float | None
    seen: float | None
    burns: tuple[Burn, ...]

    @property
    def burning(self) -> Burn | None:
        """The fastest pair of windows that burns."""
        return next((burn for burn in self.burns if burn.burning), None)


def judge_budget(objective: Objective, history: BadHistory, now_ms: int) -> Budget:
    """Time that nobody saw counts as good in a rate that raises an alarm, so that an alarm rests on what was seen."""
    counted = objective.indicator is Indicator.ERROR_RATE
    whole = history.over(BUDGET_MS, now_ms)
    burns = tuple(_burn(objective, history, window, now_ms, counted=counted) for window in BURN_WINDOWS)
    if not whole.seen:
        return Budget(None, None if counted else 0.0, burns)
    used = whole.bad / (whole.seen if counted else BUDGET_MS)
    seen = None if counted else min(1.0, whole.seen / BUDGET_MS)
    return Budget(1 - used / objective.budget, seen, burns)


def _burn(objective: Objective, history: BadHistory, window: BurnWindow, now_ms: int, *, counted: bool) -> Burn:
    long, short = history.over(window.long_ms, now_ms), history.over(window.short_ms, now_ms)
    if counted:
        enough = long.seen >= EVENTS_MIN
        rates = (_rate(long, long.seen, objective), _rate(short, short.seen, objective))
    else:
        enough = True
        rates = (_rate(long, window.long_ms, objective), _rate(short, window.short_ms, objective))
    burning = enough and all(rate is not None and rate > window.factor for rate in rates)

    def shown(rate: float | None, amount: Amount, length_ms: int) -> float | None:
        told = burning or (enough and (counted or amount.seen >= SEEN_SHARE_MIN * length_ms))
        return rate if told else None

    return Burn(window, shown(rates[0], long, window.long_ms), shown(rates[1], short, window.short_ms), burning)


def _rate(amount: Amount, over: float, objective: Objective) -> float | None:
    return amount.bad / over / objective.budget if over else None
