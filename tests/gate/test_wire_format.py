"""Bytes and headers as Confluent's own serializers write them (confluent-kafka 2.16, `AvroSerializer`), read by us."""

from __future__ import annotations

from uuid import UUID

import pytest

from watermaster.gate.frame import Frame, Part, read_frame
from watermaster.stream.batch import RawHeaders

VALUE_GUID = UUID("748cefdf-d6de-4f98-a3e8-dea325a15aaf")
KEY_GUID = UUID("ece8287d-1333-4cff-89f4-fe97913ab5f2")
BY_HEADER: RawHeaders = [
    ("__value_schema_id", b"\x01t\x8c\xef\xdf\xd6\xdeO\x98\xa3\xe8\xde\xa3%\xa1Z\xaf"),
    ("__key_schema_id", b"\x01\xec\xe8(}\x133L\xff\x89\xf4\xfe\x97\x91:\xb5\xf2"),
]


@pytest.mark.parametrize(
    ("part", "content", "headers", "frame"),
    [
        (Part.VALUE, b"\x00\x00\x00\x00\x01\x0e", [], Frame(1, 5)),
        (Part.KEY, b"\x00\x00\x00\x00\x02\x0e", None, Frame(2, 5)),
        (Part.VALUE, b"\x01" + VALUE_GUID.bytes + b"\x0e", None, Frame(VALUE_GUID, 17)),
        (Part.VALUE, b"\x0e", BY_HEADER, Frame(VALUE_GUID, 0)),
        (Part.KEY, b"\x0e", BY_HEADER, Frame(KEY_GUID, 0)),
    ],
)
def test_every_form_is_read(part: Part, content: bytes, headers: RawHeaders | None, frame: Frame) -> None:
    assert read_frame(part, content, headers) == frame
