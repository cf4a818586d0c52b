"""Records as no client library of ours would send them: a produce request written by hand, byte by byte."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

from watermaster.testing.kafka import KafkaCluster

PRODUCE, VERSION = 0, 3
_NO_PRODUCER = struct.pack(">qhi", -1, -1, -1)
_POLYNOMIAL = 0x82F63B78
RawHeader = tuple[bytes, bytes | None]


def produce_raw(
    cluster: KafkaCluster,
    topic: str,
    value: bytes,
    *,
    headers: Sequence[RawHeader] = (),
    timestamp_ms: int,
    attributes: int = 0,
    corrupt: bool = False,
) -> int:
    """Send one record to partition 0, whose leader must be the first broker; the broker's error code, 0 if it took it.

    `attributes` holds the compression codec in its lowest three bits, and says so whatever the bytes are.
    """
    host, _, port = cluster.bootstrap.split(",")[0].rpartition(":")
    batch = _batch(_record(value, headers), timestamp_ms, attributes, corrupt=corrupt)
    body = struct.pack(">hhii", -1, -1, 10_000, 1) + _text(topic) + struct.pack(">iii", 1, 0, len(batch)) + batch
    request = struct.pack(">hhi", PRODUCE, VERSION, 1) + _text("raw") + body
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _read(connection, 4))
        answer = _read(connection, size)
    # correlation id, one topic with its name, one partition: its number, its error
    at = 4 + 4 + 2 + len(topic) + 4 + 4
    return int(struct.unpack_from(">h", answer, at)[0])


def _batch(record: bytes, timestamp_ms: int, attributes: int, *, corrupt: bool) -> bytes:
    checked = struct.pack(">hiqq", attributes, 0, timestamp_ms, timestamp_ms) + _NO_PRODUCER
    checked += struct.pack(">i", 1) + record
    crc = _crc32c(checked) ^ corrupt
    rest = struct.pack(">ibI", -1, 2, crc) + checked
    return struct.pack(">qi", 0, len(rest)) + rest


def _record(value: bytes, headers: Sequence[RawHeader]) -> bytes:
    fields = b"\x00" + _varint(0) + _varint(0) + _bytes(b"k") + _bytes(value) + _varint(len(headers))
    fields += b"".join(_bytes(key) + _bytes(content) for key, content in headers)
    return _varint(len(fields)) + fields


def _bytes(content: bytes | None) -> bytes:
    return _varint(-1) if content is None else _varint(len(content)) + content


def _varint(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes([*out, zigzag])


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        assert more, "the broker closed the connection"
        found += more
    return found


def _crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
