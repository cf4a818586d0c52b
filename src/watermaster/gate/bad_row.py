"""The verdict on what is no record at all, so that there is nothing to judge: a row with too few cells, say."""

from __future__ import annotations

from functools import lru_cache

from watermaster.gate.breach import document_breach
from watermaster.gate.verdict import Outcome, Verdict


@lru_cache(maxsize=64)
def bad_row(code: str) -> Verdict:
    """Held for one reason of `gate.reasons.REASONS`."""
    return Verdict(Outcome.HOLD, (document_breach(code),))
