"""JDK DateTimeFormatter patterns: what is read, what is refused, what is said and not judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.jdk_format import BadFormat, UnjudgedFormat, compile_jdk_format
from watermaster.contract.temporal import TemporalForm, TemporalKind, TemporalReason, default_form, parse_temporal

DATE, TIME, TIMESTAMP = TemporalKind.DATE, TemporalKind.TIME, TemporalKind.TIMESTAMP
R = TemporalReason

# format, kind, text, the same value in ISO 8601, or the reason
READ = [
    ("yyyy-MM-dd", DATE, "2024-02-29", "2024-02-29"),
    ("uuuu-MM-dd", DATE, "2024-02-29", "2024-02-29"),
    ("dd/MM/yyyy", DATE, "29/02/2024", "2024-02-29"),
    ("d.M.yyyy", DATE, "1.2.2024", "2024-02-01"),
    ("d.M.yyyy", DATE, "01.02.2024", "2024-02-01"),
    ("yyyyMMdd", DATE, "20240229", "2024-02-29"),
    ("yyMMdd", DATE, "240229", "2024-02-29"),
    ("d MMM yyyy", DATE, "1 Feb 2024", "2024-02-01"),
    ("MMMM d, yyyy", DATE, "February 1, 2024", "2024-02-01"),
    ("dd/MM/yyyy", DATE, "30/02/2024", R.NO_SUCH_DAY),
    ("dd/MM/yyyy", DATE, "02/29/2024", R.NO_SUCH_DAY),
    ("dd/MM/yyyy", DATE, "1/2/2024", R.SHAPE),
    ("yyyy-MM-dd", DATE, "0000-01-01", R.YEAR),
    ("d MMM yyyy", DATE, "1 feb 2024", R.SHAPE),
    ("HH:mm", TIME, "06:30", "06:30:00"),
    ("HHmmss", TIME, "063005", "06:30:05"),
    ("HH:mm", TIME, "24:00", R.HOUR),
    ("h:mm a", TIME, "12:05 AM", "00:05:00"),
    ("h:mm a", TIME, "12:05 PM", "12:05:00"),
    ("hh:mm a", TIME, "01:05 PM", "13:05:00"),
    ("hh:mm a", TIME, "13:05 PM", R.HOUR),
    ("hh:mm a", TIME, "00:05 AM", R.HOUR),
    ("yyyy-MM-dd HH:mm:ss", TIMESTAMP, "2024-02-29 06:30:05", "2024-02-29T06:30:05Z"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", TIMESTAMP, "2024-02-29T06:30:05.120+02:00", "2024-02-29T06:30:05.12+02:00"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", TIMESTAMP, "2024-02-29T06:30:05.12+02:00", R.SHAPE),
    ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX][X]", TIMESTAMP, "2024-02-29T06:30:05", "2024-02-29T06:30:05Z"),
    ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX][X]", TIMESTAMP, "2024-02-29T06:30:05.1", R.SHAPE),
    ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX][X]", TIMESTAMP, "2024-02-29T06:30:05+02", "2024-02-29T06:30:05+02:00"),
    ("yyyy-MM-dd HH:mm[ Z", TIMESTAMP, "2024-02-29 06:30 -0130", "2024-02-29T06:30:00-01:30"),
    ("yyyy-MM-dd HH 'o''clock'", TIMESTAMP, "2024-02-29 06 o'clock", "2024-02-29T06:00:00Z"),
    ("yyyyMMddHHmmssSSSSSSSSS", TIMESTAMP, "20240229063005123456789", "2024-02-29T06:30:05.123456789Z"),
    ("yyyy-MM-dd HH:mm:ss", TIMESTAMP, "2024-02-29 06:30:60", R.SECOND),
    ("yyyy-MM-dd HH:mm:ss", TIMESTAMP, "2024-02-29", R.SHAPE),
]


@pytest.mark.parametrize(("pattern", "kind", "text", "expected"), READ)
def test_read(pattern: str, kind: TemporalKind, text: str, expected: str | TemporalReason) -> None:
    form = compile_jdk_format(pattern, kind)
    assert isinstance(form, TemporalForm)
    wanted = parse_temporal(expected, default_form(kind)) if isinstance(expected, str) else expected
    assert parse_temporal(text, form) == wanted


@pytest.mark.parametrize(
    ("pattern", "kind", "says"),
    [
        ("", DATE, "1 to 100"),
        ("y" * 101, DATE, "1 to 100"),
        ("yyyy-MM-dd'T", TIMESTAMP, "never closed"),
        ("yyyy-MM-dd]", DATE, "never opened"),
        ("yyyy-MM-dd{", DATE, "reserves"),
        ("yyyy-MM", DATE, "needs a day"),
        ("yyyy-MM[-dd]", DATE, "needs a day"),
        ("yyyy-MM-dd", TIME, "needs an hour"),
        ("yyyy-MM-dd", TIMESTAMP, "needs an hour"),
        ("yyyy-MM-dd HH:mm", DATE, "logicalType: timestamp"),
        ("yyyy-MM-dd hh:mm", TIMESTAMP, "need each other"),
        ("HH:mm a", TIME, "need each other"),
        ("HH:mm[ a]", TIME, "need each other"),
        ("yyyy-MM-MM-dd", DATE, "twice"),
        ("HH:mm[XXX]XXX", TIME, "twice"),
        ("yyyy-MM[-MMM]-dd", DATE, "two ways"),
        ("yyyy-JJ-dd", DATE, "no letter 'J'"),
        ("YYYY-MM-dd", DATE, "`Y` is the year of the week"),
        ("yyyy-MM-DD", DATE, "`D` is the day of the year"),
        ("EEE JJ", DATE, "no letter 'J'"),
        ("HH" + "[:mm]" * 9, TIME, "optional sections"),
    ],
)
def test_refused(pattern: str, kind: TemporalKind, says: str) -> None:
    form = compile_jdk_format(pattern, kind)
    assert isinstance(form, BadFormat)
    assert says in form.message


def test_an_offset_that_is_due_must_be_in_the_format() -> None:
    assert isinstance(compile_jdk_format("yyyy-MM-dd HH:mm", TIMESTAMP, offset=True), BadFormat)


@pytest.mark.parametrize("pattern", ["EEE, d MMM yyyy", "yyyy-'W'ww-e", "yyyy-MM-dd HH:mm VV", "yyyy-DDD", "GGGG yyyy"])
def test_letters_that_depend_on_the_machine_are_not_judged(pattern: str) -> None:
    assert isinstance(compile_jdk_format(pattern, TIMESTAMP), UnjudgedFormat)


@given(st.text(alphabet="yMdHhmsSXxZaE'[]- :./T{", max_size=30), st.text(max_size=30))
def test_no_pattern_raises(pattern: str, text: str) -> None:
    for kind in TemporalKind:
        form = compile_jdk_format(pattern, kind)
        if isinstance(form, TemporalForm):
            assert isinstance(parse_temporal(text, form), int | TemporalReason)
