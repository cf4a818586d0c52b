"""Orders by the million: distinct JSON records, good and bad, the same for the same seed.

Each record follows from seed and index alone, so that any part of a sequence can be made again, in any process.
`ORDER_CONTRACT` is the contract that the good ones keep and the bad ones break.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from watermaster.stream.batch import RawHeaders
from watermaster.testing.clock import START_MS

ORDER_BYTES = 500
"""The usual size of a value: what order events of shops weigh."""
_MASK = (1 << 64) - 1
_FILLER_BYTES_MIN = 16 * 1024
_SHARE_UNIT = 1 << 32

_STATUSES = (b"NEW", b"PAID", b"PACKED", b"SHIPPED", b"RETURNED")
_COUNTRIES = (b"de", b"fr", b"no", b"pl", b"se")
_CURRENCIES = (b"EUR", b"NOK", b"PLN", b"SEK")
_TEMPLATE = (
    b'{"order_id":"%s","customer_id":"c-%06d","status":"%s","country":"%s","currency":"%s","total":%d.%02d,'
    b'"item_count":%d,"express":%s,"placed_at":"2026-01-%02dT%02d:%02d:%02dZ","sku":"S%05d","email":"c%d@example.org",'
    b'"note":"%s"}'
)


class Defect(Enum):
    """What can be wrong with a bad order."""

    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_STATUS = "unknown_status"
    BAD_IDENTIFIER = "bad_identifier"
    TRUNCATED_JSON = "truncated_json"
    DUPLICATE_KEY = "duplicate_key"
    INVALID_UTF8 = "invalid_utf8"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class GeneratedRecord:
    """One record and what is known of it. `identity` is unique in its sequence; `defect` is None for a good one."""

    index: int
    identity: str
    key: bytes
    value: bytes
    headers: RawHeaders
    timestamp_ms: int
    defect: Defect | None


class Orders:
    """A deterministic sequence of orders.

    A `bad_share` between 0 and 1 of them has one of `defects`. Values of good ones have `value_bytes` bytes (never
    fewer than their 11 short fields need, about 280). Timestamps start at `start_ms` and rise by a millisecond each.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        bad_share: float = 0.0,
        defects: Sequence[Defect] = tuple(Defect),
        value_bytes: int = ORDER_BYTES,
        start_ms: int = START_MS,
    ) -> None:
        self._seed = seed
        self._salt = Random(seed).getrandbits(64)  # noqa: S311 - repeatable, not secret
        self._bad_below = round(bad_share * _SHARE_UNIT)
        self._defects = tuple(defects)
        self._value_bytes = value_bytes
        self._start_ms = start_ms
        filler_bytes = max(_FILLER_BYTES_MIN, 4 * value_bytes)
        letters = Random(seed + 1).choices(b"abcdefghijklmnopqrstuvwxyz      ", k=filler_bytes)  # noqa: S311
        self._filler = bytes(letters)

    def records(self, count: int, start: int = 0) -> Iterator[GeneratedRecord]:
        """Records `start` to `start + count - 1`."""
        return (self.record(index) for index in range(start, start + count))

    def values(self, count: int, start: int = 0) -> list[bytes]:
        """The values alone, for measurements."""
        return [self.value(index) for index in range(start, start + count)]

    def record(self, index: int) -> GeneratedRecord:
        """One record with all that is known of it."""
        identity = self.identity(index)
        return GeneratedRecord(
            index=index,
            identity=identity,
            key=identity.encode(),
            value=self.value(index),
            headers=[("source", b"shop-%d" % (index % 3)), ("trace", identity.encode())],
            timestamp_ms=self._start_ms + index,
            defect=self.defect(index),
        )

    def identity(self, index: int) -> str:
        """The order id, also where the value is too broken to tell it; it is the record's key."""
        return f"o-{self._seed}-{index:010d}"

    def defect(self, index: int) -> Defect | None:
        """What is wrong with a record."""
        bits = self._bits(index, 1)
        if bits % _SHARE_UNIT >= self._bad_below:
            return None
        return self._defects[(bits >> 32) % len(self._defects)]

    def value(self, index: int) -> bytes:
        """The value alone."""
        good = self._good_value(index)
        defect = self.defect(index)
        return good if defect is None else _spoil(good, defect)

    def _good_value(self, index: int) -> bytes:
        bits = self._bits(index, 0)
        customer = bits % 100_000
        fields = (
            b"o-%d-%010d" % (self._seed, index),
            customer,
            _STATUSES[(bits >> 17) % len(_STATUSES)],
            _COUNTRIES[(bits >> 20) % len(_COUNTRIES)],
            _CURRENCIES[(bits >> 23) % len(_CURRENCIES)],
            (bits >> 26) % 5_000,
            (bits >> 30) % 100,
            (bits >> 35) % 9 + 1,
            (b"false", b"true")[(bits >> 39) & 1],
            (bits >> 40) % 28 + 1,
            (bits >> 44) % 24,
            (bits >> 48) % 60,
            (bits >> 53) % 60,
            (bits >> 37) % 100_000,
            customer,
        )
        short = _TEMPLATE % (*fields, b"")
        begin = (bits >> 13) % (len(self._filler) - self._value_bytes)
        return _TEMPLATE % (*fields, self._filler[begin : begin + max(0, self._value_bytes - len(short))])

    def _bits(self, index: int, purpose: int) -> int:
        """64 well-mixed bits (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators")."""
        mixed = (self._salt + (2 * index + purpose + 1) * 0x9E3779B97F4A7C15) & _MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)


_REPLACEMENTS = {
    Defect.MISSING_FIELD: (b'"status":', b'"state":'),
    Defect.WRONG_TYPE: (b'"item_count":', b'"item_count":"one","count":'),
    Defect.OUT_OF_RANGE: (b'"total":', b'"total":-1'),
    Defect.UNKNOWN_STATUS: (b'"status":"', b'"status":"UN'),
    Defect.BAD_IDENTIFIER: (b'"order_id":"o-', b'"order_id":"x-'),
    Defect.DUPLICATE_KEY: (b'{"order_id"', b'{"sku":"S00000","order_id"'),
    Defect.INVALID_UTF8: (b'"note":"', b'"note":"\xff'),
}


def _spoil(value: bytes, defect: Defect) -> bytes:
    if defect is Defect.EMPTY:
        return b""
    if defect is Defect.TRUNCATED_JSON:
        return value[: len(value) // 2]
    old, new = _REPLACEMENTS[defect]
    return value.replace(old, new, 1)


ORDER_CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: generated-orders
name: Generated orders
version: 1.0.0
status: active
schema:
  - name: orders
    physicalType: topic
    logicalType: object
    properties:
      - name: order_id
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: "^o-[0-9]+-[0-9]+$"}
      - {name: customer_id, logicalType: string, required: true}
      - name: status
        logicalType: string
        required: true
        enum: [{value: NEW}, {value: PAID}, {value: PACKED}, {value: SHIPPED}, {value: RETURNED}]
      - name: country
        logicalType: string
        required: true
        logicalTypeOptions: {minLength: 2, maxLength: 2}
      - {name: currency, logicalType: string, required: true}
      - name: total
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: 0}
      - name: item_count
        logicalType: integer
        required: true
        logicalTypeOptions: {minimum: 1}
      - {name: express, logicalType: boolean, required: true}
      - {name: placed_at, logicalType: timestamp, required: true}
      - {name: sku, logicalType: string, required: true}
      - {name: email, logicalType: string, required: true}
      - {name: note, logicalType: string}
"""
"""The contract of good orders, as ODCS."""
