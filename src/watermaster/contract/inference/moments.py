"""Ways of writing dates, times and timestamps that are tried on texts, and clocks and epochs told in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watermaster.contract.jdk_format import compile_jdk_format
from watermaster.contract.temporal import TemporalForm, TemporalKind, TemporalReason, default_form, temporal_parser

_PATTERNS: Final = (
    ("timestamp", "yyyy-MM-dd HH:mm:ss[.SSS]"),
    ("timestamp", "yyyy-MM-dd HH:mm:ss.SSSSSS"),
    ("timestamp", "yyyy-MM-dd HH:mm:ssXXX"),
    ("timestamp", "yyyy-MM-dd'T'HH:mm"),
    ("timestamp", "yyyy-MM-dd HH:mm"),
    ("timestamp", "dd/MM/yyyy HH:mm:ss"),
    ("timestamp", "MM/dd/yyyy HH:mm:ss"),
    ("timestamp", "yyyyMMddHHmmss"),
    ("timestamp", "dd/MMM/yyyy:HH:mm:ss XX"),
    ("date", "yyyy/MM/dd"),
    ("date", "dd/MM/yyyy"),
    ("date", "MM/dd/yyyy"),
    ("date", "dd.MM.yyyy"),
    ("date", "dd-MM-yyyy"),
    ("date", "dd MMM yyyy"),
    ("date", "dd-MMM-yyyy"),
    ("date", "yyyyMMdd"),
    ("time", "HH:mm"),
    ("time", "hh:mm a"),
)
"""JDK patterns beside ISO 8601, those that real producers write most."""


@dataclass(frozen=True, slots=True)
class MomentCandidate:
    """One way of writing: its logical type, the contract's `format` (None: ISO 8601) and `timezone`."""

    logical_type: str
    pattern: str | None
    timezone: bool | None
    form: TemporalForm

    def fits(self, text: str) -> bool:
        """Whether the text is written so, and exists."""
        return not isinstance(temporal_parser(self.form)(text), TemporalReason)


def _candidates() -> dict[str, MomentCandidate]:
    found = {}
    for kind, zone in ((TemporalKind.TIMESTAMP, True), (TemporalKind.TIMESTAMP, False), (TemporalKind.TIMESTAMP, None)):
        name = {True: "RFC 3339 with an offset", False: "RFC 3339 without an offset", None: "RFC 3339"}[zone]
        found[name] = MomentCandidate("timestamp", None, zone, default_form(kind, offset=zone))
    for kind in (TemporalKind.DATE, TemporalKind.TIME):
        found[f"ISO 8601 {kind.value}"] = MomentCandidate(kind.value, None, None, default_form(kind))
    for kind_name, pattern in _PATTERNS:
        form = compile_jdk_format(pattern, TemporalKind(kind_name))
        if isinstance(form, TemporalForm):
            found[pattern] = MomentCandidate(kind_name, pattern, None, form)
    return found


MOMENT_CANDIDATES: Final = _candidates()
MOMENTS: Final = tuple(MOMENT_CANDIDATES)
"""In the order of preference: where several fit, an earlier one says more."""

AMBIGUOUS: Final = (("dd/MM/yyyy", "MM/dd/yyyy"), ("dd/MM/yyyy HH:mm:ss", "MM/dd/yyyy HH:mm:ss"))
"""Pairs that read the same text as two days; a sample that fits both has no day after the twelfth."""

_YEAR_2000_S, _YEAR_2100_S = 946_684_800, 4_102_444_800
EPOCHS: Final = (("seconds", 1), ("milliseconds", 1_000), ("microseconds", 1_000_000), ("nanoseconds", 1_000_000_000))
"""Units of a number that counts from 1970, told by its magnitude: between the years 2000 and 2100 no two overlap."""

CLOCK_MAX: Final = 2400


def epoch_of(low: int, high: int) -> tuple[str, int, int] | None:
    """Unit and bounds of numbers that are all moments from 2000 to 2100; None if they are not."""
    for unit, scale in EPOCHS:
        if _YEAR_2000_S * scale <= low and high <= _YEAR_2100_S * scale:
            return unit, _YEAR_2000_S * scale, _YEAR_2100_S * scale
    return None


def is_clock(number: int) -> bool:
    """Whether a whole number can be read as HHMM."""
    return 0 <= number <= CLOCK_MAX and number % 100 < 60  # noqa: PLR2004 - minutes of an hour
