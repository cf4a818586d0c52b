"""How a topic is written is found out from its records, and a draft holds none that it was made from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.inference_world import checks_of
from tests.runtime.schema_world import (
    DOWN,
    JSON_ID,
    KEY,
    KEY_ID,
    LONG_ID,
    PROTOBUF_ID,
    TEXT_ID,
    avro,
    frame,
    order,
    registry,
    shelf_of,
)

from watermaster.contract.checks import Encoding, LogicalType
from watermaster.contract.inference.proposal import Origin
from watermaster.gate.schema import AVRO, JSON
from watermaster.runtime.contract_inference import Inferred, Learning, Written, conclude, written_as
from watermaster.runtime.sample_texts import UNKNOWN, UNNAMED, SampleTexts
from watermaster.runtime.schema_shelf import SchemaShelf, fetching_judge
from watermaster.stream.batch import RecordBatch
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault


def batch(keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> RecordBatch:
    count = len(values)
    offsets = list(range(count))
    return RecordBatch(TopicPartition("orders", 0), offsets, [0] * count, list(keys), list(values), [None] * count)


def texts_of(keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> SampleTexts:
    texts = SampleTexts(shelf_of(registry()))
    texts.block(batch(keys, values), 0)
    return texts


def drafted(
    shelf: SchemaShelf, keys: Sequence[bytes | None], values: Sequence[bytes | None]
) -> tuple[Inferred, Written]:
    texts, learning = SampleTexts(shelf), Learning()
    learning.take(texts.block(batch(keys, values), 0))
    return conclude(learning.summary, written_as(Origin("orders", "orders"), texts.written)), texts.written


JSON_KEY = frame(JSON_ID, b'{"a": 1}')
LONGS = [(2**24 * number).to_bytes(8, "big") for number in range(1, 9)]
"""Java's numbers of eight bytes, which begin as a frame with an id of 1 to 8 would."""


@pytest.mark.parametrize(
    ("keys", "values", "written", "kind"),
    [
        ([b"a"], [b"{}"], Written(), UNNAMED),
        ([None], [order(1)], Written(Encoding.AVRO), AVRO),
        ([b"a"], [order(1)], Written(Encoding.AVRO), AVRO),
        ([avro(LONG_ID, "long", 7)], [order(1)], Written(Encoding.AVRO, Encoding.AVRO), AVRO),
        ([JSON_KEY], [b"{}"], Written(keys=Encoding.JSON_SCHEMA), UNNAMED),
        ([JSON_KEY], [frame(JSON_ID, b"{}")], Written(Encoding.JSON_SCHEMA, Encoding.JSON_SCHEMA), JSON),
        ([None], [frame(PROTOBUF_ID, b"\0x")], Written(), "PROTOBUF"),
        ([None], [frame(77, b"\0x")], Written(), UNKNOWN),
        ([None], [None], Written(), None),
        (LONGS, [b"{}"] * 8, Written(), UNNAMED),
        ([b"a", JSON_KEY, JSON_KEY], [b"{}", order(1), order(2)], Written(Encoding.AVRO, Encoding.JSON_SCHEMA), AVRO),
    ],
)
def test_how_a_topic_is_written(
    keys: list[bytes | None], values: list[bytes | None], written: Written, kind: str | None
) -> None:
    texts = texts_of(keys, values)
    assert (texts.written, texts.kind) == (written, kind)


def test_keys_whose_schema_nobody_knows_teach_nothing_and_it_is_said() -> None:
    texts = SampleTexts(shelf_of(registry()))
    block = texts.block(batch([frame(77, b"xx")], [b"{}"]), 0)
    assert block.keys is None
    assert "key.encoding" in texts.remarks[0]
    assert texts_of([b"a"], [b"{}"]).remarks == ()


def test_a_registry_that_cannot_be_asked_is_a_fault_of_the_topic() -> None:
    down = registry()
    down.fault = DOWN
    with pytest.raises(WorldFault, match="down"):
        SampleTexts(shelf_of(down)).block(batch([None], [order(1)]), 0)


def test_keys_are_described_by_what_they_say() -> None:
    numbers = range(1_000)
    keys = [avro(KEY_ID, KEY, {"id": number, "note": None}) for number in numbers]
    draft, _ = drafted(shelf_of(registry()), keys, [order(number) for number in numbers])
    key = checks_of(draft.text).key
    assert (key.required, key.encoding) == (True, Encoding.AVRO)
    assert key.check is not None
    assert [field.name for field in key.check.properties] == ["id", "note"]
    longs = [avro(LONG_ID, "long", number) for number in numbers]
    draft, _ = drafted(shelf_of(registry()), longs, [order(number) for number in numbers])
    assert "the same as id" in draft.text
    assert "logicalType: integer" in draft.text.split("property: key")[1].split("properties:")[0]


def test_no_value_of_a_key_is_in_a_draft() -> None:
    """The same customers as in a member that looks personal, and new ones come all the time."""
    numbers = range(2_000)
    keys = [avro(TEXT_ID, "string", f"canary-{number % 3}") for number in numbers]
    draft, _ = drafted(shelf_of(registry()), keys, [order(number) for number in numbers])
    key = checks_of(draft.text).key
    assert key.required
    assert key.check is not None
    assert (key.check.type, key.check.enum) == (LogicalType.STRING, None)
    assert "canary" not in draft.text


KEYS = st.sampled_from(
    [None, b"plain", b"", avro(LONG_ID, "long", 7), avro(LONG_ID, "long", -1), frame(LONG_ID, b"\x02!"), JSON_KEY,
     frame(JSON_ID, b"{no"), frame(JSON_ID, b"null"), avro(KEY_ID, KEY, {"id": 1, "note": "x"}), frame(77, b"xx")]
)  # fmt: skip
VALUES = st.sampled_from(
    [None, b"{}", b'{"id": 1}', order(1), order(2, "x"), order(3) + b"!", frame(JSON_ID, b'{"id": "a"}'),
     frame(JSON_ID, b"[]"), frame(77, b"xx"), frame(PROTOBUF_ID, b"\0x")]
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3), st.sampled_from([1, 7, 1_000]))
def test_a_draft_holds_no_framed_record_that_it_was_made_from(
    records: list[tuple[bytes | None, bytes | None]], times: int
) -> None:
    keys, values = [key for key, _ in records], [value for _, value in records]
    shelf = shelf_of(registry())
    draft, written = drafted(shelf, keys * times, values * times)
    bare = conclude(Learning().summary, written_as(Origin("orders", "orders"), written))
    held, unreadable = (
        fetching_judge(checks_of(text), shelf).judge(keys, values, 0, [None] * len(values))
        for text in (draft.text, bare.text)
    )
    assert held.keys() <= unreadable.keys()
