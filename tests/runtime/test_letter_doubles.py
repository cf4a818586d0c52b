"""Letters that stand twice are one hold; letters of two records under one name are told."""

from __future__ import annotations

from watermaster.quarantine.held import Adoption, NotHeld, QuarantineRecord, read_held
from watermaster.runtime.letter_doubles import LetterDoubles, Sight
from watermaster.stream.batch import RawHeaders
from watermaster.stream.coordinates import TopicPartition

ADOPTION = Adoption("cluster", {})


def letter(offset: int, value: bytes = b"v", holder: bytes = b"sink", partition: int = 0) -> QuarantineRecord:
    headers: RawHeaders = [
        ("__connect.errors.topic", b"orders"),
        ("__connect.errors.partition", b"1"),
        ("__connect.errors.offset", b"%d" % offset),
        ("__connect.errors.connector.name", holder),
        ("__connect.errors.stage", b"TASK_PUT"),
    ]
    return QuarantineRecord(TopicPartition("dlq", partition), offset + 100, 7, b"k", value, headers)


def sights(*records: QuarantineRecord) -> list[Sight]:
    doubles, found = LetterDoubles(), []
    for record in records:
        held = read_held(record, ADOPTION)
        assert not isinstance(held, NotHeld)
        found.append(doubles.see(held, record))
    return found


def test_the_same_record_written_again_into_another_partition_is_seen_once() -> None:
    assert sights(letter(1), letter(1, partition=2), letter(2)) == [Sight.FIRST, Sight.AGAIN, Sight.FIRST]


def test_two_that_give_up_on_one_record_have_a_hold_each() -> None:
    assert sights(letter(1), letter(1, holder=b"other")) == [Sight.FIRST, Sight.FIRST]


def test_other_bytes_under_the_same_coordinates_are_another_record() -> None:
    assert sights(letter(1), letter(1, b"w"), letter(1)) == [Sight.FIRST, Sight.CLASH, Sight.AGAIN]


def test_what_names_no_source_is_never_a_double() -> None:
    plain = QuarantineRecord(TopicPartition("dlq", 0), 5, 7, b"k", b"v", [])
    assert sights(plain, plain) == [Sight.FIRST] * 2
