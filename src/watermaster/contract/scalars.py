"""Numbers and enum values of a contract, exactly as its text says them."""

from __future__ import annotations

from decimal import Decimal

from watermaster.contract.checks import FieldCheck, LogicalType, Scalar
from watermaster.contract.findings import Findings, mappings
from watermaster.contract.problem import ProblemCode, quoted
from watermaster.contract.temporal import TemporalReason, parse_temporal
from watermaster.contract.yaml_text import Json

_NO_ENUM = frozenset({LogicalType.OBJECT, LogicalType.ARRAY, LogicalType.MAP})
_TEXTS = frozenset({LogicalType.STRING, LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME})


def exact(value: int | float) -> Decimal:
    """The decimal that the contract's text says; the reader refuses literals that a double would change."""
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def number(value: Json) -> Decimal | None:
    """An exact number, or None for anything else (booleans are no numbers)."""
    return exact(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def compile_enum(value: Json, check: FieldCheck, path: str, findings: Findings) -> tuple[Scalar, ...] | None:
    """The allowed values, from `{value: …}` entries or plain ones; a null among them is what `required` says."""
    if not isinstance(value, list) or not value:
        return None
    if check.type in _NO_ENUM:
        message = f"`enum` does not fit the type {check.type.value}"
        findings.problem(ProblemCode.OPTION_MISFIT, message, "It lists texts, numbers or booleans.", path)
        return None
    allowed: list[Scalar] = []
    seen: set[tuple[type, Scalar]] = set()
    for index, (item, entry) in enumerate(zip(value, mappings(value), strict=True)):
        plain = entry.get("value") if isinstance(item, dict) else item
        scalar = _fit(plain, check)
        if scalar is None and (plain is not None or check.required):
            place = f"{path}[{index}]"
            message = f"the enum value {quoted(plain)} is no {check.type.value} that {quoted(check.name)} could hold"
            findings.problem(ProblemCode.ENUM_TYPE, message, _enum_hint(plain, check), place)
        elif scalar is not None and (type(scalar), scalar) not in seen:
            seen.add((type(scalar), scalar))  # for Python True is 1
            allowed.append(scalar)
    return tuple(allowed)


def _fit(value: Json, check: FieldCheck) -> Scalar:
    """The value as the checked type has it; None if it is not of the type."""
    if isinstance(value, bool):
        return value if check.type in (LogicalType.BOOLEAN, LogicalType.ANY) else None
    if isinstance(value, str):
        fits = check.type is LogicalType.ANY or (check.type in _TEXTS and _readable(value, check))
        return value if fits else None
    if isinstance(value, int | float):
        return _fit_number(exact(value), check.type)
    return None


def _fit_number(value: Decimal, kind: LogicalType) -> Scalar:
    whole = value == value.to_integral_value()
    if kind is LogicalType.INTEGER and not whole:
        return None
    if kind not in (LogicalType.INTEGER, LogicalType.NUMBER, LogicalType.ANY):
        return None
    return int(value) if whole else value


def _readable(value: str, check: FieldCheck) -> bool:
    return check.temporal is None or not isinstance(parse_temporal(value, check.temporal), TemporalReason)


def _enum_hint(value: Json, check: FieldCheck) -> str:
    if check.type in _TEXTS and isinstance(value, int | float):
        return "Put it in quotes."
    if value is None:
        return "The field is required, so null can never be its value."
    if check.temporal is not None:
        return f"It must be written as {check.temporal.text}."
    return "Write a value of that type, or change `logicalType`."
