"""An Avro schema compiled into one function that decodes whole values: strict, and within limits.

fastavro resolves the names and says whether a schema is one. It does not decode what comes from the wire, for it takes
bytes that other readers refuse (a negative index of a union, bytes behind the end), and has no limits: nesting ends the
process, and a decimal of a megabyte takes minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from watermaster.contract.avro_member import json_names
from watermaster.contract.checks import Limits
from watermaster.gate import avro_binary as binary
from watermaster.gate.avro_binary import Read
from watermaster.gate.avro_text import decimal_text, float_text, leaf_text, nanoseconds_text
from watermaster.gate.schema import TEXT_CHARACTERS_MAX, Schema
from watermaster.gate.strict_json import JsonProblem, decode_strictly
from watermaster.stream.fault import UsageFault

SCALE_MAX: Final = 400
"""Of a decimal, as many digits as the longest number that is read."""
_SCHEMA_LIMITS: Final = Limits(value_bytes_max=4 * TEXT_CHARACTERS_MAX, depth_max=100)
_NAMED: Final = frozenset({"record", "error", "enum", "fixed"})
_PLAIN: Final[Mapping[str, Read]] = {
    "null": lambda _: None,
    "boolean": binary.read_boolean,
    "int": binary.read_int,
    "long": binary.read_long,
    "float": lambda cursor: float_text(binary.read_float(cursor)),
    "double": lambda cursor: leaf_text(binary.read_double(cursor)),
    "bytes": lambda cursor: leaf_text(binary.read_bytes(cursor)),
    "string": binary.read_string,
}
_NANOSECONDS: Final = {"timestamp-nanos": "Z", "local-timestamp-nanos": ""}


class UnfitSchema(Exception):
    """Why a schema decodes nothing; `code` is one of `reasons.REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def require_fastavro() -> None:
    """Raises UsageFault WM-AVRO-EXTRA where the library is missing: asked before anything is judged."""
    try:
        import fastavro  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise UsageFault(
            "WM-AVRO-EXTRA", "Avro needs fastavro, which is not installed.", hint="pip install 'watermaster[avro]'"
        ) from None


def compile_avro(schema: Schema) -> Read:
    """The function that decodes one value into what the JSON encoder takes. Raises UnfitSchema."""
    texts = (*schema.references, schema.text)
    if sum(map(len, texts)) > TEXT_CHARACTERS_MAX:
        raise UnfitSchema("schema.limits")
    for text in texts:
        problem = decode_strictly(text.encode("utf-8", "surrogatepass"), _SCHEMA_LIMITS)
        if isinstance(problem, JsonProblem):
            beyond = problem.code in {"json.depth", "json.elements"}
            raise UnfitSchema("schema.limits" if beyond else "schema.invalid")
    try:
        return _compile(texts)
    # fastavro stumbles over schemas that are none in many ways.
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, LookupError) as error:
        raise UnfitSchema("schema.invalid") from error
    except RecursionError as error:
        raise UnfitSchema("schema.limits") from error


def _compile(texts: Sequence[str]) -> Read:
    import json  # noqa: PLC0415 - beside its only use

    import fastavro  # noqa: PLC0415 - an extra
    from fastavro.schema import SchemaParseException  # noqa: PLC0415

    named: dict[str, Any] = {}
    try:
        parsed = [fastavro.parse_schema(json.loads(text), named_schemas=named) for text in texts]
    except SchemaParseException as error:
        raise UnfitSchema("schema.invalid") from error
    return _Compiler(named).read_of(parsed[-1])


class _Compiler:
    """Named types are compiled once, at their first use; one that contains itself is looked up when it is read."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._known: dict[str, Read] = {}
        self._begun: set[str] = set()

    def read_of(self, schema: Any) -> Read:  # noqa: ANN401 - a schema is any JSON value
        if isinstance(schema, list):
            return binary.union([self.read_of(branch) for branch in schema])
        if isinstance(schema, str):
            return _PLAIN.get(schema) or self._by_name(schema)
        kind = schema["type"]
        if kind in _NAMED if isinstance(kind, str) else False:
            return self._by_name(schema["name"])
        return self._logical(schema) or self._plain(schema)

    def _plain(self, schema: Mapping[str, Any]) -> Read:
        match schema["type"]:
            case "array":
                return binary.array(self.read_of(schema["items"]))
            case "map":
                return binary.mapping(self.read_of(schema["values"]))
            case kind:
                return self.read_of(kind)

    def _by_name(self, name: str) -> Read:
        if name in self._known:
            return self._known[name]
        if name in self._begun:
            return self._later(name)
        self._begun.add(name)
        self._known[name] = read = self._definition(self._named[name])
        return read

    def _later(self, name: str) -> Read:
        def read(cursor: binary.Cursor) -> Any:  # noqa: ANN401 - any Avro value
            return self._known[name](cursor)

        return read

    def _definition(self, schema: Mapping[str, Any]) -> Read:
        match schema["type"]:
            case "enum":
                return binary.enum(schema["symbols"])
            case "fixed":
                size = schema["size"]
                if not isinstance(size, int) or size < 0:
                    raise UnfitSchema("schema.invalid")
                read = binary.fixed(size)
                return _logical_read(schema, "fixed", read) or (lambda cursor: leaf_text(read(cursor)))
            case _:
                described = schema["fields"]
                if len({field["name"] for field in described}) != len(described):
                    raise UnfitSchema("schema.invalid")
                kinds = [self.read_of(field["type"]) for field in described]
                return binary.record(list(zip(json_names(described), kinds, strict=True)))

    def _logical(self, schema: Mapping[str, Any]) -> Read | None:
        kind = schema["type"]
        if not isinstance(kind, str) or "logicalType" not in schema:
            return None
        raw = {
            "int": binary.read_int,
            "long": binary.read_long,
            "bytes": binary.read_bytes,
            "string": binary.read_string,
        }.get(kind)
        return None if raw is None else _logical_read(schema, kind, raw)


def _logical_read(schema: Mapping[str, Any], kind: str, raw: Read) -> Read | None:
    """As fastavro makes values of logical types, which it also does for files; None for what it leaves alone."""
    from fastavro.read import LOGICAL_READERS  # noqa: PLC0415 - an extra

    logical = schema.get("logicalType")
    if logical == "decimal" and kind in {"bytes", "fixed"}:
        return _decimal(schema, raw)
    if logical in _NANOSECONDS and kind == "long":
        ending = _NANOSECONDS[str(logical)]
        return lambda cursor: nanoseconds_text(raw(cursor), ending)
    convert, own = LOGICAL_READERS.get(f"{kind}-{logical}"), dict(schema)
    return None if convert is None else lambda cursor: leaf_text(convert(raw(cursor), own, None))


def _decimal(schema: Mapping[str, Any], raw: Read) -> Read:
    scale, precision = schema.get("scale", 0), schema["precision"]
    if not isinstance(scale, int) or not isinstance(precision, int) or not 0 <= scale <= SCALE_MAX:
        raise UnfitSchema("schema.limits")
    return lambda cursor: decimal_text(binary.decimal_of(raw(cursor), precision, scale, cursor.limits))
