"""Dates, timestamps and times that are surely right, as one regular expression; all others are parsed."""

from __future__ import annotations

from typing import Final

from watermaster.contract.temporal import TemporalForm, TemporalKind, default_form

_DATE: Final = (
    "[1-9][0-9]{3}-"
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_OFFSET: Final = r"(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"
_MOMENTS: Final = {TemporalKind.DATE: _DATE, TemporalKind.TIME: _TIME, TemporalKind.TIMESTAMP: f"{_DATE}T{_TIME}"}


def plain_moment(form: TemporalForm) -> str | None:
    """RE2 for whole texts that `parse_temporal` accepts (without leap days and years before 1000); None for own forms.

    Never matches a text with NUL.
    """
    if form.pattern != default_form(form.kind).pattern:
        return None
    offset = "" if form.kind is TemporalKind.DATE else {True: _OFFSET, False: "", None: f"{_OFFSET}?"}[form.offset]
    return f"(?:{_MOMENTS[form.kind]}{offset})"
