"""Small pieces of text for the demonstration: bars, curves, the value that a rule speaks of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from watermaster.cli.output import cell_text
from watermaster.runtime.demo import HeldRecord

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def counted(number: int) -> str:
    """A count as every table of ours shows it."""
    return cell_text(number)


def bar(share: float, width: int) -> str:
    """A bar of `width` columns, filled to `share` (0.0 to 1.0) in eighths of a column."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "░" if width > 10 else " ")  # noqa: PLR2004


def curve(values: Sequence[float]) -> str:
    """One column for each value, as high as it is beside the largest."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return ""
    return "".join(_LEVELS[min(7, int(8 * max(0.0, value) / highest))] for value in values)


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, or the first colon that begins an explanation."""
    ends = [end for mark in (". ", ": ") if (end := text.find(mark)) > 0]
    return text[: min(ends)] if ends else text.rstrip(".")


def value_of(held: HeldRecord, rule: str) -> str:
    """The member that a rule on one field speaks of, or all members of the record, as JSON in one line."""
    try:
        record = json.loads(held.value or b"")
    except ValueError:
        return ""
    if not isinstance(record, dict):
        return ""
    field = rule.removeprefix("$.").rpartition(":")[0]
    chosen = {field: record[field]} if field in record else record
    return ", ".join(f"{name}: {json.dumps(value)}" for name, value in chosen.items())
