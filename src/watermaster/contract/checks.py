"""A contract compiled into checks: plain data that engines run elsewhere (gate lanes, files, tables).

`contract.compiler` makes these from an ODCS document once; nothing here reads documents or records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from watermaster.contract.temporal import TemporalForm

if TYPE_CHECKING:
    from watermaster.contract.assertion import Assertion

Scalar: TypeAlias = str | int | bool | Decimal | None
"""An `enum` value. Numbers with a fraction are exact decimals, made from the contract's own text."""

Bound: TypeAlias = Decimal | int
"""Of a number: an exact decimal. Of a date, timestamp or time: what `temporal.parse_temporal` gives (days or ns)."""

JUDGED_STRING_FORMATS = frozenset(
    {"byte", "date", "date-time", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"}
)
"""String formats that engines judge; the compiler lets no other name into `FieldCheck.format` of a string."""


class LogicalType(Enum):
    """ODCS logical types that a JSON value can carry."""

    STRING = "string"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    NUMBER = "number"
    INTEGER = "integer"
    OBJECT = "object"
    ARRAY = "array"
    BOOLEAN = "boolean"
    MAP = "map"
    ANY = "any"
    """No logical type given in the contract: every JSON value is of it."""


class RuleSeverity(Enum):
    """ODCS severities: `error` holds, the others count."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class OnFailure(Enum):
    """What a broken error rule does to the record."""

    HOLD = "hold"
    DROP = "drop"


class TombstonePolicy(Enum):
    """What a null value means on this stream."""

    PASS = "pass"
    HOLD = "hold"
    DROP = "drop"


class Encoding(Enum):
    """How the bytes of a value or key are written."""

    JSON = "json"
    JSON_SCHEMA = "json-schema"
    """JSON text behind a schema registry's frame."""
    AVRO = "avro"
    """Avro's binary form behind a schema registry's frame."""
    STRING = "string"
    """UTF-8 text (keys only)."""
    BYTES = "bytes"
    """Opaque (keys only)."""


FRAMED_ENCODINGS = frozenset({Encoding.JSON_SCHEMA, Encoding.AVRO})
"""Those that name a schema of a registry."""


class UnknownFields(Enum):
    """Whether fields that the contract does not name are allowed."""

    ALLOW = "allow"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number, date, timestamp or time; None means open. Exclusive bounds are kept apart."""

    minimum: Bound | None = None
    maximum: Bound | None = None
    exclusive_minimum: Bound | None = None
    exclusive_maximum: Bound | None = None


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """What one value must satisfy, with its children.

    `path` is `$.a.b` (`$['a b']` for names that are no identifiers); array items are `$.a[]`, the keys of a map are
    `$.a.~` and its values `$.a.*`. `name` is that of the JSON member, empty for items, keys and values.

    `required`: the field must be there and not null. Not required: it may be absent or null (ODCS).
    Lengths count Unicode code points, item and property counts are inclusive bounds.
    """

    name: str
    path: str
    type: LogicalType
    required: bool = False
    enum: tuple[Scalar, ...] | None = None
    pattern: str | None = None
    """RE2 syntax, searched anywhere in the string unless anchored; classes are ASCII, `$` is the true end."""
    format: str | None = None
    """String formats (`uuid`, `email`, …), integer formats (`i32`, `u64`, …), number formats (`f32`, `f64`)."""
    min_length: int | None = None
    max_length: int | None = None
    range: Range | None = None
    multiple_of: Decimal | None = None
    temporal: TemporalForm | None = None
    """How a date, timestamp or time is written; judge with `temporal.parse_temporal(text, form)`, compare with `range`.

    None on a temporal type: the contract's format is beyond what can be judged, any string passes (see `unjudged`).
    """
    temporal_format: str | None = None
    """The contract's own words for `temporal` (JDK DateTimeFormatter pattern); None means RFC 3339 / ISO 8601."""
    timezone: bool | None = None
    """Timestamps and times: True must carry an offset, False must not, None either (already part of `temporal`)."""
    properties: tuple[FieldCheck, ...] = ()
    required_names: tuple[str, ...] = ()
    """`logicalTypeOptions.required` of an object: names that must be present, null allowed."""
    min_properties: int | None = None
    max_properties: int | None = None
    items: FieldCheck | None = None
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    map_key: FieldCheck | None = None
    map_value: FieldCheck | None = None
    classification: str | None = None
    rule: str = ""
    """Stable id used in reasons; empty means that engines derive it from the path and the check's kind."""


@dataclass(frozen=True, slots=True)
class CelRule:
    """A rule across fields in CEL, with `this` (the value), `key` (the decoded key) and `now` (timestamp).

    True or an empty string passes; False, or a non-empty string (its text is the message), breaks the rule; an
    evaluation error breaks it too (deny on doubt).
    """

    id: str
    path: str
    expression: str
    severity: RuleSeverity = RuleSeverity.ERROR
    on_failure: OnFailure = OnFailure.HOLD
    message: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What the record's key must satisfy: presence, its encoding, and the checks on the decoded key.

    Paths inside `check` start with `key` where those of the value start with `$`.
    """

    required: bool = False
    """True: a null key is held."""
    encoding: Encoding = Encoding.STRING
    """Of opaque bytes only the presence is judged."""
    check: FieldCheck | None = None

    @property
    def is_json(self) -> bool:
        """Whether the key is judged as JSON text, whatever carries it."""
        return self.encoding is Encoding.JSON or self.encoding in FRAMED_ENCODINGS


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on hostile input, from the contract or these defaults. Beyond them a record is held, never decoded."""

    value_bytes_max: int = 16 * 1024 * 1024
    """Larger than any sane `max.message.bytes`; decoding may take about fifty times this much memory."""
    depth_max: int = 64
    """Nesting of objects and arrays; far beyond real payloads and far below every decoder's recursion limit."""
    elements_max: int = 1_000_000
    """Array elements plus object members of one document."""
    integer_digits_max: int = 400
    """Longer integer literals are a denial of service (conversion is quadratic)."""


@dataclass(frozen=True, slots=True)
class HoldBudget:
    """The breaker's budget: the gate pauses when more than `share` of the last `window` records are held."""

    share: float = 0.2
    window: int = 10_000
    minimum: int = 1_000
    """Fewer records than this are never enough to judge the share."""


@dataclass(frozen=True, slots=True)
class Checks:
    """One contract for one stream, compiled. `content_hash` is `sha256:<hex>` of the document's exact bytes."""

    contract_id: str
    contract_version: str
    content_hash: str
    stream: str
    """The topic by the contract: `physicalName`, else `name` of the schema object."""
    value: FieldCheck
    key: KeyCheck = KeyCheck()
    encoding: Encoding = Encoding.JSON
    """Of the values on the stream; records at rest have forms of their own."""
    rules: tuple[CelRule, ...] = ()
    tombstone: TombstonePolicy = TombstonePolicy.PASS
    unknown_fields: UnknownFields = UnknownFields.ALLOW
    limits: Limits = Limits()
    hold_budget: HoldBudget = HoldBudget()
    owner: str | None = None
    assertions: tuple[Assertion, ...] = ()
    """What is asked of many records together, as far as it can be judged over whole files and closed windows."""
    cadence_ms: int | None = None
    """How often a batch is promised (the SLA `frequency`), in milliseconds."""
    unjudged: tuple[str, ...] = field(default=())
    """What the contract asks and record checks cannot judge (assertions, `text` rules, …), said and not passed over."""
