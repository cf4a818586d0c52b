"""How simple rules read fields of a decoded document: typed as the contract declares them, as for CEL itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.gate.cel_view import ToCel, as_spelled, compile_to_cel
from watermaster.gate.closure import Closure, Read, Undecided
from watermaster.gate.strict_json import Document

_NUMBERS = (LogicalType.NUMBER, LogicalType.INTEGER)


class DocumentAccess:
    """Implements `closure.Access` for dicts; everything is checked while reading."""

    def __init__(self, check: FieldCheck) -> None:
        self._check = check

    def field(self, path: tuple[str, ...]) -> Closure:
        """See `Access.field`."""
        declared = _declared(self._check, path)
        convert: ToCel | None = None if declared is None or declared.type not in _NUMBERS else compile_to_cel(declared)
        parent = _reader(path[:-1])
        name = path[-1]

        def read(document: Any) -> Any:  # noqa: ANN401 - any JSON value
            holder = parent(document)
            if type(holder) is not dict or name not in holder:
                raise Undecided
            value = holder[name]
            if type(value) is str:
                return value
            return _number(value, convert) if type(value) is int or type(value) is Decimal else value

        return Closure(read)

    def has(self, path: tuple[str, ...]) -> Read:
        """See `Access.has`."""
        parent = _reader(path[:-1])
        name = path[-1]

        def read(document: Any) -> bool:  # noqa: ANN401 - any JSON value
            holder = parent(document)
            if type(holder) is not dict:
                raise Undecided
            return name in holder

        return read


def _reader(path: tuple[str, ...]) -> Read:
    def read(document: Any) -> Any:  # noqa: ANN401 - any JSON value
        for name in path:
            if type(document) is not dict or name not in document:
                raise Undecided
            document = document[name]
        return document

    return read


def _declared(check: FieldCheck, path: tuple[str, ...]) -> FieldCheck | None:
    found: FieldCheck | None = check
    for name in path:
        if found is None:
            return None
        if found.type is LogicalType.MAP:
            found = found.map_value
        else:
            found = next((child for child in found.properties if child.name == name), None)
    return found


def _number(value: Document, convert: ToCel | None) -> object:
    return as_spelled(value) if convert is None else convert(value)
