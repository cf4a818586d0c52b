"""Dates and times of bad_inputs 38 to 46 and their good neighbours, and a property against the standard library."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.temporal import (
    TemporalKind,
    TemporalReason,
    default_form,
    parse_temporal,
    temporal_parser,
)

DATE, TIME, TIMESTAMP = TemporalKind.DATE, TemporalKind.TIME, TemporalKind.TIMESTAMP
R = TemporalReason
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_NS = 3_600_000_000_000

CASES = [
    # kind, text, offset policy, what comes out, why
    (DATE, "2024-02-29", None, 19782, "a leap day"),
    (DATE, "1970-01-01", None, 0, "the epoch"),
    (DATE, "0001-01-01", None, -719162, "the first year"),
    (DATE, "2024-02-30", None, R.NO_SUCH_DAY, "38: February has 29 days"),
    (DATE, "2023-02-29", None, R.NO_SUCH_DAY, "38: no leap year"),
    (DATE, "1900-02-29", None, R.NO_SUCH_DAY, "a century is no leap year"),
    (DATE, "2024-13-01", None, R.NO_SUCH_DAY, "no month 13"),
    (DATE, "2024-00-10", None, R.NO_SUCH_DAY, "no month 0"),
    (DATE, "0000-01-01", None, R.YEAR, "41: year 0"),
    (DATE, "10000-01-01", None, R.SHAPE, "41: five digits"),
    (DATE, "2024-2-9", None, R.SHAPE, "two digits are due"),
    (DATE, "20240229", None, R.SHAPE, "basic format is not agreed on"),
    (DATE, "2024-02-29T00:00:00Z", None, R.SHAPE, "a timestamp is no date"),
    (DATE, "2024-02-29\n", None, R.SHAPE, "36: a newline at the end"),
    (DATE, " 2024-02-29", None, R.SHAPE, "a blank"),
    (DATE, "٢٠٢٤-٠٢-٢٩", None, R.SHAPE, "digits are ASCII"),
    (DATE, "", None, R.SHAPE, "empty"),
    (DATE, "2" * 10_000_000, None, R.SHAPE, "refused before matching"),
    (TIME, "00:00:00", None, 0, "midnight"),
    (TIME, "23:59:59.999999999", None, 24 * _HOUR_NS - 1, "44: the last nanosecond, not cut"),
    (TIME, "12:00:00+02:00", None, 10 * _HOUR_NS, "an offset counts"),
    (TIME, "00:30:00+01:00", None, -_HOUR_NS // 2, "below midnight UTC"),
    (TIME, "24:00:00", None, R.HOUR, "40: midnight is 00:00"),
    (TIME, "23:59:60", None, R.SECOND, "39: a leap second"),
    (TIME, "23:60:00", None, R.MINUTE, "minute 60"),
    (TIME, "23:59", None, R.SHAPE, "seconds are due"),
    (TIME, "23:59:59,5", None, R.SHAPE, "a comma"),
    (TIME, "23:59:59.", None, R.SHAPE, "a fraction without digits"),
    (TIMESTAMP, "1970-01-01T00:00:00Z", None, 0, "the epoch"),
    (TIMESTAMP, "1970-01-01t00:00:00z", None, 0, "small letters (RFC 3339, 5.6)"),
    (TIMESTAMP, "1970-01-01T00:00:00-00:00", None, 0, "unknown local offset (RFC 3339, 4.3)"),
    (TIMESTAMP, "1970-01-01T00:00:00.000000001Z", True, 1, "44: one nanosecond"),
    (TIMESTAMP, "1970-01-01T00:00:00.0000000001Z", True, R.PRECISION, "44: finer would be cut"),
    (TIMESTAMP, "1970-01-01T02:00:00+02:00", True, 0, "an offset"),
    (TIMESTAMP, "1970-01-01T00:00:00", None, 0, "42: local is UTC unless the contract says otherwise"),
    (TIMESTAMP, "1970-01-01T00:00:00", True, R.OFFSET_MISSING, "42: no zone where one is due"),
    (TIMESTAMP, "1970-01-01T00:00:00Z", False, R.OFFSET_UNEXPECTED, "a zone where none is due"),
    (TIMESTAMP, "2024-10-27T02:30:00", False, 1729996200 * 10**9, "43: fold, read at the fixed default offset"),
    (TIMESTAMP, "1970-01-01T00:00:00+18:01", None, R.OFFSET, "beyond any offset"),
    (TIMESTAMP, "1970-01-01T00:00:00+02:60", None, R.OFFSET, "minute 60 of an offset"),
    (TIMESTAMP, "1970-01-01T00:00:00+0200", None, R.SHAPE, "RFC 3339 has a colon"),
    (TIMESTAMP, "1970-01-01 00:00:00Z", None, R.SHAPE, "a blank is an agreement between parties"),
    (TIMESTAMP, "2024-02-30T00:00:00Z", None, R.NO_SUCH_DAY, "38"),
    (TIMESTAMP, "2024-02-29T24:00:00Z", None, R.HOUR, "40"),
    (TIMESTAMP, "2016-12-31T23:59:60Z", None, R.SECOND, "39: a real leap second"),
    (TIMESTAMP, "1700000000", None, R.SHAPE, "45: epoch seconds are no timestamp"),
    (TIMESTAMP, "1700000000000", None, R.SHAPE, "45: nor milliseconds"),
    (TIMESTAMP, "2024-02-29", None, R.SHAPE, "46: a date where a time is due"),
]


@pytest.mark.parametrize(("kind", "text", "offset", "expected", "why"), CASES, ids=[case[4] for case in CASES])
def test_default_form(kind: TemporalKind, text: str, offset: bool | None, expected: int | R, why: str) -> None:
    assert parse_temporal(text, default_form(kind, offset=offset)) == expected, why


def test_local_times_are_read_at_the_default_offset() -> None:
    form = default_form(TIMESTAMP, default_offset_s=-5 * 3600)
    assert parse_temporal("1970-01-01T00:00:00", form) == 5 * _HOUR_NS
    assert parse_temporal("1970-01-01T00:00:00Z", form) == 0


@given(st.dates())
def test_every_date_is_read_as_the_standard_library_reads_it(day: date) -> None:
    assert parse_temporal(day.isoformat(), default_form(DATE)) == (day - date(1970, 1, 1)).days


@given(st.datetimes(), st.integers(min_value=-18 * 60, max_value=18 * 60))
def test_every_timestamp_is_read_as_the_standard_library_reads_it(moment: datetime, offset_min: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    expected = (moment - _EPOCH.replace(tzinfo=None) - timedelta(minutes=offset_min)) // timedelta(microseconds=1)
    assert parse_temporal(zoned.isoformat(), default_form(TIMESTAMP)) == expected * 1000


@given(st.text(alphabet="0123456789-:TZ+. \n٢", max_size=40))
def test_no_text_raises(text: str) -> None:
    for kind in TemporalKind:
        assert isinstance(temporal_parser(default_form(kind))(text), int | TemporalReason)
