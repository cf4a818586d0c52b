"""Logical types of Avro, and its primitive types, as fields: how their values are written in JSON."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from watermaster.contract.draft import FieldDraft
from watermaster.contract.importing.scalar import NUMBER_CHARACTERS_MAX, Options

LeaveOut = Callable[[str, str], None]
"""Takes the attribute and the reason."""

_DOUBLE_DIGITS: Final = 15
"""So many digits a double always keeps."""
_DIGITS_MAX: Final = NUMBER_CHARACTERS_MAX - 3

PRIMITIVES: Final[dict[str, tuple[str, Options]]] = {
    "boolean": ("boolean", {}),
    "int": ("integer", {"format": "i32"}),
    "long": ("integer", {"format": "i64"}),
    "float": ("number", {"format": "f32"}),
    "double": ("number", {"format": "f64"}),
    "bytes": ("string", {"format": "byte"}),
    "string": ("string", {}),
}
"""Logical type and options."""
_MOMENTS: Final[dict[tuple[str, str], tuple[str, Options]]] = {
    ("int", "date"): ("date", {}),
    ("int", "time-millis"): ("time", {"timezone": False}),
    ("long", "time-micros"): ("time", {"timezone": False}),
    **{("long", f"timestamp-{unit}"): ("timestamp", {"timezone": True}) for unit in ("millis", "micros", "nanos")},
    **{
        ("long", f"local-timestamp-{unit}"): ("timestamp", {"timezone": False})
        for unit in ("millis", "micros", "nanos")
    },
    ("string", "uuid"): ("string", {"format": "uuid"}),
}


def primitive(name: str) -> FieldDraft:
    """A field of a primitive type other than null."""
    kind, options = PRIMITIVES[name]
    return FieldDraft("", kind, options=dict(options))


def fixed(size: int) -> FieldDraft:
    """Bytes of one length, in base64."""
    length = -(-size // 3) * 4
    lengths: Options = {"minLength": length} if length else {}
    return FieldDraft("", "string", options={"format": "byte", **lengths, "maxLength": length})


def logical(base: str, schema: dict[str, Any], leave_out: LeaveOut) -> FieldDraft | None:
    """The field of a logical type on `base`; None, and said, if there is none: readers then take the base itself."""
    name = schema.get("logicalType")
    if name is None:
        return None
    if name == "decimal" and base in ("bytes", "fixed"):
        return _decimal(schema, leave_out)
    found = _MOMENTS.get((base, str(name)))
    if found is None:
        leave_out("logicalType", f"a contract has no {name} on {base}, so it is read as {base}")
        return None
    kind, options = found
    return FieldDraft("", kind, options=dict(options))


def _decimal(schema: dict[str, Any], leave_out: LeaveOut) -> FieldDraft | None:
    size = _size(schema)
    if size is None:
        leave_out("logicalType", "its precision and scale are no decimal's, so it is read as bytes")
        return None
    precision, scale = size
    options: Options = {}
    if scale <= _DIGITS_MAX:
        options |= {"multipleOf": Decimal(1).scaleb(-scale)} if scale else {}
    else:
        leave_out("scale", "a contract keeps no number as fine")
    if precision - scale <= _DIGITS_MAX:
        bound = 10 ** (precision - scale)
        options |= {"exclusiveMinimum": -bound, "exclusiveMaximum": bound}
    else:
        leave_out("precision", "a contract keeps no number as large")
    return FieldDraft("", "number" if scale else "integer", options=options)


def loses_digits(schema: dict[str, Any]) -> bool:
    """Whether values of a decimal may have more digits than a double keeps, and so are held."""
    precision, scale = _size(schema) or (0, 0)
    return scale > 0 and precision > _DOUBLE_DIGITS


def _size(schema: dict[str, Any]) -> tuple[int, int] | None:
    """Precision and scale of a decimal; None if they are none."""
    precision, scale = schema.get("precision"), schema.get("scale", 0)
    if isinstance(precision, bool) or isinstance(scale, bool):
        return None
    if not isinstance(precision, int) or not isinstance(scale, int):
        return None
    return (precision, scale) if 0 <= scale <= precision and precision > 0 else None
