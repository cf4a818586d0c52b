"""The reserved header's value: one table of value and wire form, round trips, and hostile bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.stream.coordinates import Coordinates, coordinates_prefix, decode_coordinates

BIG = b"1 5L6g3nShT-eMCtK--X86sw kF/+ 7 9223372036854775807 3 2 12"
TABLE = [
    (Coordinates("c", "t", 0, 0), b"1 c t 0 0 0 0 0"),
    (Coordinates("5L6g3nShT-eMCtK--X86sw", "kF/+", 7, 2**63 - 1, 3, 2, 12), BIG),
    (Coordinates("", "t", 1, 2), b"1  t 1 2 0 0 0"),
    (Coordinates("c", "t", 0, 5, 1, 0, 3, "times-2400@2"), b"1 c t 0 5 1 0 3 times-2400@2"),
]
FORGED = [
    (None, "no value"),
    (b"", "empty"),
    (b"2 c t 0 0 0 0 0", "another version"),
    (b"1 c t 0 0 0 0", "a field too few"),
    (b"1 c t 0 0 0 0 0 0", "a field too many"),
    (b"1 c t 0 0 0 0 0 ", "a trailing space"),
    (b"1 c t 0 0 0 0 0 fix", "a fix without a version"),
    (b"1 c t 0 0 0 0 0 fix@x", "a fix whose version is no number"),
    (b"1 c t 0 0 0 0 0 fix@1 fix@1", "two fixes"),
    (b"1 c t 0 0 0 0 0 " + b"f" * 101 + b"@1", "a fix with too long a name"),
    (b"1 c t -1 0 0 0 0", "a sign"),
    (b"1 c t +1 0 0 0 0", "a plus"),
    (b"1 c t 1_0 0 0 0 0", "an underscore, which int() takes"),
    (b"1 c t \t1 0 0 0 0", "a tab, which int() takes"),
    ("1 c t ١ 0 0 0 0".encode(), "Arabic digits"),
    (b"1 c t x 0 0 0 0", "a letter"),
    (b"1 \xff t 0 0 0 0 0", "not UTF-8"),
    (b"1 c t " + b"9" * 20 + b" 0 0 0 0", "beyond 64 bits"),
    (b"1 c t " + b"9" * 5000 + b" 0 0 0 0", "beyond what int() takes"),
]


@pytest.mark.parametrize(("coordinates", "wire"), TABLE)
def test_both_ways(coordinates: Coordinates, wire: bytes) -> None:
    assert coordinates.encode() == wire
    assert decode_coordinates(wire) == coordinates


@pytest.mark.parametrize(("wire", "why"), FORGED, ids=[why for _, why in FORGED])
def test_what_we_did_not_write_is_none(wire: bytes | None, why: str) -> None:
    assert decode_coordinates(wire) is None, why


ids = st.text("ABCxyz0189-_+/=", max_size=30)
numbers = st.integers(0, 2**63 - 1)


@given(ids, ids, st.tuples(*[numbers] * 5))
def test_round_trip(cluster: str, topic: str, rest: tuple[int, int, int, int, int]) -> None:
    coordinates = Coordinates(cluster, topic, *rest)
    assert decode_coordinates(coordinates.encode()) == coordinates
    assert coordinates.encode().startswith(coordinates_prefix(cluster, topic, rest[0]))


pieces = st.one_of(st.binary(max_size=6), st.sampled_from([b"1", b" ", b"0", b"c", b"  ", b"\xff", b"-"]))


@given(st.one_of(st.binary(), st.lists(pieces, max_size=20).map(b" ".join)))
def test_never_raises_and_never_takes_two_forms_for_one(wire: bytes) -> None:
    found = decode_coordinates(wire)
    if found is not None:
        again = found.encode()
        assert decode_coordinates(again) == found
        assert len(again) <= len(wire)  # leading zeros are the only liberty
