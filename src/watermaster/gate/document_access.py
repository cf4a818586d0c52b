"""How simple rules read fields of a decoded document: typed as the contract declares them, as for CEL itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from watermaster.contract.checks import FieldCheck, LogicalType
from watermaster.gate.cel_view import as_spelled, compile_to_cel
from watermaster.gate.closure import Closure, Read, Undecided

_NUMBERS = (LogicalType.NUMBER, LogicalType.INTEGER)


class DocumentAccess:
    """Implements `closure.Access` for dicts; everything is checked while reading."""

    def __init__(self, check: FieldCheck) -> None:
        self._check = check

    def field(self, path: tuple[str, ...]) -> Closure:
        """See `Access.field`."""
        declared = _declared(self._check, path)
        convert = as_spelled if declared is None or declared.type not in _NUMBERS else compile_to_cel(declared)
        parent = _reader(path[:-1])
        name = path[-1]

        def read_number(value: Any) -> Any:  # noqa: ANN401 - any JSON value
            return convert(value) if type(value) is int or type(value) is Decimal else value

        def read(document: Any) -> Any:  # noqa: ANN401 - any JSON value
            holder = parent(document)
            if type(holder) is not dict or name not in holder:
                raise Undecided
            return read_number(holder[name])

        def read_top(document: Any) -> Any:  # noqa: ANN401 - any JSON value
            if type(document) is not dict or name not in document:
                raise Undecided
            value = document[name]
            return value if type(value) is str else read_number(value)

        return Closure(read if len(path) > 1 else read_top)

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
