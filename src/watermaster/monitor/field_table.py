"""The fields of a stream as a person looks at them: how often each has a value, of what kind, and how they spread.

All of it follows from the counts of profiles; no value is in them, and so none is in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watermaster.monitor.profile import RECORDS_MIN, FieldProfile, Profile, base_of


@dataclass(frozen=True, slots=True)
class Spread:
    """How numbers spread: `counts` are of half powers of ten, from `least` on, without gaps; zeros are apart."""

    least: int
    counts: tuple[int, ...]
    zeros: int


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field. `of` counts the records, or the objects above it, that could have it; shares are of those.

    `usual` is the least and the most of `present` in the hours before, None if too little is known. `texts` are how
    often each different text occurs, the most frequent first, `many` where there are too many to count.
    """

    path: str
    of: int
    present: float
    null: float
    missing: float
    usual: tuple[float, float] | None
    by_hour: tuple[float | None, ...]
    kinds: Mapping[str, int]
    numbers: Spread | None
    texts: tuple[int, ...]
    many: bool


def describe_fields(now: Profile, before: Sequence[Profile], by_hour: Sequence[Profile | None]) -> tuple[FieldRow, ...]:
    """Every field of the profiles, in the order in which they were met. `by_hour` is what is drawn, None is unknown."""
    known = [profile for profile in before if profile.records >= RECORDS_MIN]
    paths = dict.fromkeys([*now.fields, *(path for profile in known for path in profile.fields)])
    return tuple(_row(path, now, known, by_hour) for path in paths)


def _row(path: str, now: Profile, known: Sequence[Profile], by_hour: Sequence[Profile | None]) -> FieldRow:
    field, of = now.fields.get(path, FieldProfile()), base_of(now, path)
    nulls = field.kinds.get("null", 0)
    shares = [
        share for profile in known if base_of(profile, path) >= RECORDS_MIN for share in (_present(profile, path),)
    ]
    usual = [share for share in shares if share is not None]
    return FieldRow(
        path=path,
        of=of,
        present=field.values / of if of else 0.0,
        null=nulls / of if of else 0.0,
        missing=1 - (field.values + nulls) / of if of else 0.0,
        usual=(min(usual), max(usual)) if usual else None,
        by_hour=tuple(None if profile is None else _present(profile, path) for profile in by_hour),
        kinds=dict(sorted(field.kinds.items(), key=lambda found: -found[1])),
        numbers=_spread(field),
        texts=tuple(sorted(field.texts.values(), reverse=True)),
        many=field.many,
    )


def _present(profile: Profile, path: str) -> float | None:
    of = base_of(profile, path)
    return profile.fields.get(path, FieldProfile()).values / of if of else None


def _spread(field: FieldProfile) -> Spread | None:
    if not field.sizes:
        return Spread(0, (), field.zeros) if field.zeros else None
    least, most = min(field.sizes), max(field.sizes)
    return Spread(least, tuple(field.sizes.get(size, 0) for size in range(least, most + 1)), field.zeros)
