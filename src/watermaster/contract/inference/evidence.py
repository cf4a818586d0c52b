"""How much must have been seen before a rule is written, and how that is said.

The numbers are chosen so that on slices of real sources that were held out (flights by time and at random, webhook
payloads) fewer than one good record in a hundred breaks any rule; decision 30 has the measurements.
"""

from __future__ import annotations

from typing import Final

TYPE_MIN: Final = 10
"""Values before a type is asked for: a field that was seen a few times may be something else the next time."""
WHOLE_MIN: Final = 100
"""Whole numbers before fractions are refused: the first forty cars of a list have no half miles to the gallon."""
FORMAT_MIN: Final = 30
"""Texts before a format or a way of writing dates is asked for."""
REQUIRED_MIN: Final = 1_000
"""Objects that all had a member before it is required. Drawn at random, 300 would do (rule of three: fewer than 1 %
lack it), but what is rare comes in clusters: of 500 flights in a row none may be cancelled, of a year's 2.5 % are."""
PATTERN_MIN: Final = 1_000
"""Texts before their characters become a pattern."""
RANGE_MIN: Final = 1_000
"""Numbers before a range is written, wider than what was seen."""
CLOCK_MIN: Final = 200
ENUM_MIN: Final = 500
ENUM_PER_VALUE_MIN: Final = 50
ENUM_COUNT_MIN: Final = 5
"""A list of values is closed only if every one came so often: a value seen once or twice promises others unseen."""
ENUM_VALUES_MAX: Final = 40
NEWEST_SHARE_MAX: Final = 0.25
"""And if the last three quarters of the records brought no new value."""
VARIANT_MIN: Final = 300
"""Records of one variant before its members are required; each variant is only a share of the stream."""
UNIQUE_MIN: Final = 100
MEDIUM_MIN: Final = 100
KEY_MIN: Final = 1_000


def confidence(count: int) -> str:
    """A word for an amount of evidence."""
    if count >= RANGE_MIN:
        return "high"
    return "medium" if count >= MEDIUM_MIN else "low"


def share(part: int, whole: int) -> str:
    """`all 336,776` or `8,255 of 336,776`."""
    return f"all {whole:,}" if part == whole else f"{part:,} of {whole:,}"
