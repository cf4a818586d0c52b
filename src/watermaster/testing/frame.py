"""Kafka's frames, as far as a proxy must understand them. Pure.

A frame is a four-byte length and that many bytes. A request begins with its API key, API version (two bytes each) and
correlation id (four bytes); a response begins with the correlation id of its request, and so gets its API from it.
Source: the Apache Kafka protocol guide, "Protocol Primitive Types" and "Request and Response Headers".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, IntEnum

FRAME_BYTES_MAX = 128 * 1024 * 1024
"""Above Kafka's own limit for requests (100 MB); a longer frame is a sign that these bytes are not Kafka's."""
LENGTH_BYTES = 4
UNANSWERED_MAX = 10_000
"""Requests without a response (acks=0, dropped ones) are forgotten beyond this, oldest first."""
_REQUEST_HEADER = struct.Struct(">hhi")
_CORRELATION = struct.Struct(">i")


class Direction(Enum):
    """From client to broker, or back."""

    REQUEST = "request"
    RESPONSE = "response"


class ApiKey(IntEnum):
    """Names of the API keys that clients send."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    SASL_HANDSHAKE = 17
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    OFFSET_FOR_LEADER_EPOCH = 23
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    WRITE_TXN_MARKERS = 27
    TXN_OFFSET_COMMIT = 28
    DESCRIBE_ACLS = 29
    CREATE_ACLS = 30
    DELETE_ACLS = 31
    DESCRIBE_CONFIGS = 32
    DESCRIBE_LOG_DIRS = 35
    SASL_AUTHENTICATE = 36
    CREATE_PARTITIONS = 37
    DELETE_GROUPS = 42
    INCREMENTAL_ALTER_CONFIGS = 44
    OFFSET_DELETE = 47
    DESCRIBE_CLIENT_QUOTAS = 48
    ALTER_CLIENT_QUOTAS = 49
    DESCRIBE_USER_SCRAM_CREDENTIALS = 50
    ALTER_USER_SCRAM_CREDENTIALS = 51
    DESCRIBE_CLUSTER = 60
    DESCRIBE_PRODUCERS = 61
    DESCRIBE_TRANSACTIONS = 65
    LIST_TRANSACTIONS = 66
    CONSUMER_GROUP_HEARTBEAT = 68
    CONSUMER_GROUP_DESCRIBE = 69
    GET_TELEMETRY_SUBSCRIPTIONS = 71
    PUSH_TELEMETRY = 72
    DESCRIBE_TOPIC_PARTITIONS = 75


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame without its length. `api` is -1 where a response answers no request that was seen.

    `connection` counts the proxy's connections from 1, `node` is the broker at its other end.
    """

    node: int
    connection: int
    direction: Direction
    api: int
    version: int
    correlation: int
    body: bytes

    def encode(self) -> bytes:
        """The bytes on the wire, with the length."""
        return len(self.body).to_bytes(LENGTH_BYTES, "big") + self.body


class Conversation:
    """Reads the frames of one connection, and pairs responses with requests by correlation id."""

    def __init__(self, node: int, connection: int) -> None:
        self._node = node
        self._connection = connection
        self._asked: dict[int, tuple[int, int]] = {}

    def read(self, direction: Direction, body: bytes) -> Frame:
        """The frame with this body; one too short to be Kafka's gets API key -1."""
        api, version, correlation = -1, -1, -1
        if direction is Direction.REQUEST and len(body) >= _REQUEST_HEADER.size:
            api, version, correlation = _REQUEST_HEADER.unpack_from(body)
            self._asked[correlation] = (api, version)
            if len(self._asked) > UNANSWERED_MAX:
                del self._asked[next(iter(self._asked))]
        elif direction is Direction.RESPONSE and len(body) >= _CORRELATION.size:
            (correlation,) = _CORRELATION.unpack_from(body)
            api, version = self._asked.pop(correlation, (-1, -1))
        return Frame(self._node, self._connection, direction, api, version, correlation, body)
