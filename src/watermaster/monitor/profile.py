"""What the fields of a stream's records are like in an hour, and whether that has changed: counts that add up.

For each field: how often it is there and of what kind, of numbers how large they are (half powers of ten), of texts
which ones (as hashes, and only while there are few; no value is kept). All of it is exact for the records that were
sampled, and profiles of the same hour add up.

What is called a change is far outside of what any hour of the last week was like, so that a storm or a weekend is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec

FIELDS_MAX: Final = 200
NAME_CHARACTERS_MAX: Final = 200
"""A member with a longer name is no field, and would be kept in the database for a week."""
DEPTH_MAX: Final = 4
TEXTS_MAX: Final = 64
"""Different texts of one field; a field with more of them is no list of codes."""
KEPT_H: Final = 7 * 24
RECORDS_MIN: Final = 50
"""Sampled in an hour; of fewer nothing is said."""
HOURS_MIN: Final = 24
"""Of a day at least something must be known."""
LATE_MS: Final = 24 * 3_600_000
FUTURE_MS: Final = 600_000
TIMESTAMP: Final = "(timestamp)"
"""Stands for the records' own, which is no field."""
TIME_JUMP: Final = 0.1
SHARE_JUMP: Final = 0.5
"""Beyond the least and the most of any hour."""
HALF_DECADES_JUMP: Final = 3
"""Thirty times larger or smaller than in any hour: another unit, and no bad day."""
NEW_SHARE: Final = 0.5
HALF_DECADES_MAX: Final = 616
"""Integers have no end, and doubles have: larger ones count as the largest that can be written out."""
POWERS_PLAIN: Final = 12
"""Up to a million numbers are written out."""


IsClosed: TypeAlias = Callable[[str], bool]
"""Whether the texts of the field at this path must not be looked at."""


class FieldProfile(msgspec.Struct):
    """Counts of one field. `kinds` without the records that lack it; `sizes` by half powers of ten, zero apart."""

    kinds: dict[str, int] = {}
    sizes: dict[int, int] = {}
    zeros: int = 0
    texts: dict[str, int] = {}
    many: bool = False
    """It has more different texts than are counted."""

    @property
    def values(self) -> int:
        """How often it is there and not null."""
        return sum(count for kind, count in self.kinds.items() if kind != "null")


class Profile(msgspec.Struct):
    """What was sampled in one hour. `unread` records are no JSON objects."""

    records: int = 0
    unread: int = 0
    fields: dict[str, FieldProfile] = {}
    late: int = 0
    """Records whose timestamp lay more than a day back when they were sampled."""
    future: int = 0
    """Records whose timestamp lay ahead by more than ten minutes: their age keeps a whole segment from deletion."""
    waits: dict[int, int] = {}
    """How long records took to the gate's ledger, by the buckets of `carriage`."""

    def add_age(self, age_ms: int) -> None:
        """Count how old the timestamp of a record is when it comes."""
        self.late += age_ms > LATE_MS
        self.future += -age_ms > FUTURE_MS

    def add(self, value: bytes | None, is_closed: IsClosed = lambda _: False) -> None:
        """Count one record. Texts of fields that are closed, by their path, are not even hashed."""
        try:
            document = msgspec.json.decode(value or b"")
        except (msgspec.DecodeError, RecursionError):
            document = None
        if not isinstance(document, dict):
            self.unread += 1
            return
        self.records += 1
        self._add_members(document, "", 1, is_closed)

    def merge(self, other: Profile) -> None:
        """Add what another one has counted."""
        self.records += other.records
        self.unread += other.unread
        self.late += other.late
        self.future += other.future
        _add_counts(self.waits, other.waits)
        for path, theirs in other.fields.items():
            mine = self._field(path)
            if mine is not None:
                _add_counts(mine.kinds, theirs.kinds)
                _add_counts(mine.sizes, theirs.sizes)
                mine.zeros += theirs.zeros
                mine.many |= theirs.many
                _add_counts(mine.texts, theirs.texts)
                _forget_many(mine)

    def _field(self, path: str) -> FieldProfile | None:
        if path not in self.fields and len(self.fields) >= FIELDS_MAX:
            return None
        return self.fields.setdefault(path, FieldProfile())

    def _add_members(self, document: Mapping[str, Any], above: str, depth: int, is_closed: IsClosed) -> None:
        for name, value in document.items():
            if len(name) > NAME_CHARACTERS_MAX:
                continue
            path = above + name
            field = self._field(path)
            if field is None:
                continue
            kind = _kind(value)
            field.kinds[kind] = field.kinds.get(kind, 0) + 1
            if kind == "number":
                _add_number(field, value)
            elif kind == "text" and not field.many and not is_closed(path):
                hashed = blake2b(value.encode(errors="surrogatepass"), digest_size=8).hexdigest()
                field.texts[hashed] = field.texts.get(hashed, 0) + 1
                _forget_many(field)
            elif kind == "object" and depth < DEPTH_MAX:
                self._add_members(value, f"{path}.", depth + 1, is_closed)


class Change(Enum):
    """What can change in a field, or in the records' own timestamps."""

    ABSENT = "absent"
    PRESENT = "present"
    KIND = "kind"
    SIZE = "size"
    VALUES = "values"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that is not what it was; `text` says it without any value."""

    path: str
    change: Change
    text: str


def judge_profile(now: Profile, before: Sequence[Profile]) -> tuple[FieldChange, ...] | None:
    """What has changed against the hours of the last week; None if too little is known to say."""
    known = [profile for profile in before if profile.records >= RECORDS_MIN]
    if now.records < RECORDS_MIN or len(known) < HOURS_MIN:
        return None
    paths = dict.fromkeys([*now.fields, *(path for profile in known for path in profile.fields)])
    return (*_judge_time(now, known), *(change for path in paths for change in _judge_field(path, now, known)))


def _judge_time(now: Profile, known: Sequence[Profile]) -> Iterator[FieldChange]:
    for kind, words in (("late", "more than a day old"), ("future", "in the future")):
        counts = [(getattr(profile, kind), profile.records + profile.unread) for profile in (now, *known)]
        share, *shares = [count / records for count, records in counts]
        if share > max(shares) + TIME_JUMP:
            text = (
                f"the timestamps of {share:.0%} of the records are {words} when they come, and were in {_range(shares)}"
            )
            yield FieldChange(TIMESTAMP, Change.TIME, text)


def _judge_field(path: str, now: Profile, known: Sequence[Profile]) -> Iterator[FieldChange]:
    base = base_of(now, path)
    if base < RECORDS_MIN:
        return  # the object above it is what is missing
    field = now.fields.get(path, FieldProfile())
    fields = [profile.fields.get(path, FieldProfile()) for profile in known]
    bases = [base_of(profile, path) for profile in known]
    shares = [f.values / below for f, below in zip(fields, bases, strict=True) if below >= RECORDS_MIN]
    if not shares:
        return
    share = field.values / base
    told = f"{path} has a value in {share:.0%} of the records, and had in {_range(shares)}"
    if share < min(shares) - SHARE_JUMP:
        yield FieldChange(path, Change.ABSENT, told)
    elif share > max(shares) + SHARE_JUMP:
        yield FieldChange(path, Change.PRESENT, told)
    if field.values < RECORDS_MIN:
        return
    yield from _judge_kind(path, field, fields)
    yield from _judge_size(path, field, fields)
    yield from _judge_texts(path, field, fields)


def base_of(profile: Profile, path: str) -> int:
    """How many records, or objects, could have the field."""
    above = path.rpartition(".")[0]
    if not above:
        return profile.records
    return profile.fields.get(above, FieldProfile()).kinds.get("object", 0)


def _judge_kind(path: str, field: FieldProfile, fields: Iterable[FieldProfile]) -> Iterator[FieldChange]:
    kind, count = max(((k, c) for k, c in field.kinds.items() if k != "null"), key=lambda found: found[1])
    was: dict[str, int] = {}
    for found in fields:
        _add_counts(was, found.kinds)
    was.pop("null", None)
    values = sum(was.values())
    if values and count / field.values > was.get(kind, 0) / values + SHARE_JUMP:
        usual = max(was, key=lambda k: was[k])
        text = f"{path} is a {kind} in {count / field.values:.0%} of its values, and was a {usual}"
        yield FieldChange(path, Change.KIND, text)


def _judge_size(path: str, field: FieldProfile, fields: Iterable[FieldProfile]) -> Iterator[FieldChange]:
    now = _median_size(field)
    sizes = [size for found in fields if (size := _median_size(found)) is not None]
    if now is None or not sizes:
        return
    if now - max(sizes) >= HALF_DECADES_JUMP or min(sizes) - now >= HALF_DECADES_JUMP:
        least, most = power_text(min(sizes)), power_text(max(sizes))
        was = least if least == most else f"{least} to {most}"
        text = f"{path} is about {power_text(now)} in its middle, and was {was}"
        yield FieldChange(path, Change.SIZE, text)


def _judge_texts(path: str, field: FieldProfile, fields: Sequence[FieldProfile]) -> Iterator[FieldChange]:
    texts = sum(field.texts.values())
    if field.many or not texts or any(found.many for found in fields):
        return
    known = {text for found in fields for text in found.texts}
    if len(known) > TEXTS_MAX or sum(found.kinds.get("text", 0) for found in fields) < RECORDS_MIN * HOURS_MIN:
        return
    new = sum(count for text, count in field.texts.items() if text not in known)
    if new > NEW_SHARE * texts:
        text = f"{new / texts:.0%} of the texts of {path} are new; the last week had {len(known)} different ones"
        yield FieldChange(path, Change.VALUES, text)


def _median_size(field: FieldProfile) -> int | None:
    """Half powers of ten of the middle number; None for too few, or where the middle one is zero."""
    count = sum(field.sizes.values())
    if count + field.zeros < RECORDS_MIN or field.zeros >= count:
        return None
    seen = 0
    for size in sorted(field.sizes):
        seen += field.sizes[size]
        if 2 * seen >= count:
            return size
    return None


def _add_number(field: FieldProfile, value: float) -> None:
    size = abs(value)
    if size == 0:
        field.zeros += 1
    elif isinstance(size, int) or math.isfinite(size):
        half = min(HALF_DECADES_MAX, math.floor(2 * math.log10(size)))
        field.sizes[half] = field.sizes.get(half, 0) + 1


def _forget_many(field: FieldProfile) -> None:
    if field.many or len(field.texts) > TEXTS_MAX:
        field.many, field.texts = True, {}


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


def _add_counts(totals: dict[Any, int], more: Mapping[Any, int]) -> None:
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count


def _range(shares: Sequence[float]) -> str:
    least, most = min(shares), max(shares)
    return f"{least:.0%}" if round(least, 2) == round(most, 2) else f"{least:.0%} to {most:.0%}"


def power_text(half_decades: int) -> str:
    """Half powers of ten as a number of two digits, as people write it."""
    size = 10 ** (half_decades / 2)
    return f"{float(f'{size:.2g}'):,.10g}" if abs(half_decades) < POWERS_PLAIN else f"{size:.1e}"
