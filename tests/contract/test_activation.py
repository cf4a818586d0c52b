"""The control topic folded: what is in force, who came first, what is refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermaster.contract.activation import (
    Activation,
    ControlState,
    activation_key,
    content_hash,
    contract_key,
    encode_activation,
    resume_key,
)

Record = tuple[bytes | None, bytes | None]
ONE, TWO, THREE = b"contract one", b"contract two", b"contract three"


def activation(
    number: int, document: bytes, *, stream: str = "orders", version: str = "1", by: str = "a"
) -> Activation:
    return Activation(
        number=number,
        stream=stream,
        contract=content_hash(document),
        contract_id="c",
        contract_version=version,
        by=by,
        at_ms=0,
    )


def written(*items: Activation | bytes) -> list[Record]:
    records: list[Record] = []
    for item in items:
        if isinstance(item, bytes):
            records.append((contract_key(content_hash(item)), item))
        else:
            records.append((activation_key(item), encode_activation(item)))
    return records


def fold(records: list[Record]) -> ControlState:
    state = ControlState()
    for key, value in records:
        state.apply(key, value)
    return state


def compacted(records: list[Record]) -> list[Record]:
    """As the log cleaner leaves it: of each key the last record, in the order of the log."""
    last = {key: number for number, (key, _) in enumerate(records)}
    return [record for number, record in enumerate(records) if last[record[0]] == number]


def test_the_newest_activation_is_in_force() -> None:
    state = fold(written(ONE, activation(1, ONE), TWO, activation(2, TWO, version="2")))
    assert state.in_force("orders") == activation(2, TWO, version="2")
    assert state.next_number("orders") == 3
    assert state.in_force("other") is None
    assert state.next_number("other") == 1


def test_rolling_back_is_a_new_activation_of_an_older_contract() -> None:
    records = written(ONE, activation(1, ONE), TWO, activation(2, TWO, version="2"), activation(3, ONE))
    state = fold(records)
    assert state.in_force("orders") == activation(3, ONE)
    assert state.same_version_other_bytes("orders", activation(4, ONE)) is None


def test_an_activation_without_its_contract_is_not_in_force_yet() -> None:
    state = fold(written(ONE, activation(1, ONE), activation(2, TWO)))
    assert state.in_force("orders") == activation(1, ONE)
    state.apply(*written(TWO)[0])
    assert state.in_force("orders") == activation(2, TWO)


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_writers_of_one_number_the_first_counts_before_and_after_compaction(first: int) -> None:
    writers = [activation(1, ONE, by="a"), activation(1, TWO, by="b", version="2")]
    records = written(ONE, TWO, writers[first], writers[1 - first])
    assert fold(records).in_force("orders") == writers[first]
    assert fold(compacted(records)).in_force("orders") == writers[first]


def test_the_same_version_with_other_bytes_is_found() -> None:
    state = fold(written(ONE, activation(1, ONE, version="7")))
    assert state.same_version_other_bytes("orders", activation(2, TWO, version="7")) == activation(1, ONE, version="7")
    assert state.same_version_other_bytes("orders", activation(2, TWO, version="8")) is None
    assert state.same_version_other_bytes("orders", activation(2, ONE, version="7")) is None


REFUSED = [
    ((contract_key(content_hash(ONE)), TWO), "other bytes than the key says"),
    ((b"contract/sha256:", b""), "no hash"),
    ((activation_key(activation(1, ONE)), b"{}"), "no activation"),
    ((activation_key(activation(1, ONE)), b"\xff"), "no JSON"),
    ((activation_key(activation(1, ONE)), encode_activation(activation(2, ONE))), "another number than the key says"),
    ((activation_key(activation(1, ONE)), encode_activation(activation(1, TWO))), "another contract"),
    ((b"activation/fleet/1/x", encode_activation(activation(1, ONE))), "another stream"),
]


@pytest.mark.parametrize(("record", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_is_not_what_its_key_says_is_shown_and_not_acted_upon(record: Record, why: str) -> None:
    state = fold([*written(ONE), record, record])
    assert state.in_force("orders") is None, why
    assert state.refused == [(record[0] or b"").decode()]


@pytest.mark.parametrize("record", [(None, b"x"), (b"\xff\xfe", b"x"), (b"other/key", b"x"), (b"contract/x", None)])
def test_what_is_not_ours_is_passed_over(record: Record) -> None:
    assert fold([record]) == ControlState()


def test_the_newest_word_of_an_operator_counts() -> None:
    key = resume_key("g", "orders")
    assert fold([(key, b"1"), (key, b"2")]).resumes == {"g/orders": b"2"}


records = st.lists(
    st.one_of(
        st.sampled_from([ONE, TWO, THREE]).map(lambda document: written(document)[0]),
        st.tuples(st.integers(1, 3), st.sampled_from([ONE, TWO, THREE])).map(
            lambda found: written(activation(found[0], found[1], version=found[1].decode()))[0]
        ),
        st.tuples(st.binary(max_size=20), st.binary(max_size=20)),
    ),
    max_size=20,
)


@given(records)
def test_applying_twice_changes_nothing(found: list[Record]) -> None:
    once = fold(found)
    twice = fold(list(itertools.chain.from_iterable((record, record) for record in found)))
    assert once == twice


@given(records)
def test_compaction_changes_nothing_while_keys_are_used_once(found: list[Record]) -> None:
    """The product never writes a key of an activation twice; a contract written twice is the same contract."""
    unique = [record for number, record in enumerate(found) if record[0] not in [key for key, _ in found[:number]]]
    assert fold(compacted(unique)) == fold(unique)
