"""The named types of an Avro schema, found before anything is read: where they are used they may be only named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NoReturn

from watermaster.contract.importing.avro_logical import PRIMITIVES
from watermaster.contract.importing.imported import Unimportable
from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.problem import ProblemCode, quoted

RECORDS: Final = frozenset({"record", "error"})
_UNNAMED: Final = PRIMITIVES.keys() | {"null", "array", "map"}
_NAMED: Final = RECORDS | {"enum", "fixed"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a type is used: the namespace that short names count from, and the records that it is inside of."""

    namespace: str
    trail: frozenset[str]


@dataclass(frozen=True, slots=True)
class Named:
    """A record, enum or fixed with its full name."""

    name: str
    namespace: str
    schema: dict[str, Any]

    def inside(self, trail: frozenset[str] = frozenset()) -> Scope:
        """Where its own parts are."""
        return Scope(self.namespace, trail | {self.name})


class AvroTypes:
    """All named types of a document, each checked to be whole. Raises `Unimportable` while it is made."""

    def __init__(self, root: SchemaData) -> None:
        self._root = root
        self._by_name: dict[str, Named] = {}
        self._by_place: dict[int, Named] = {}
        self._index(root, "", "#")

    def root_record(self) -> Named:
        """The one record that the document describes. Raises `Unimportable`."""
        branches = self._root if isinstance(self._root, list) else [self._root]
        found = [self.named(branch, "") for branch in branches if branch != "null"]
        if len(found) == 1 and found[0] is not None and found[0].schema["type"] in RECORDS:
            return found[0]
        message = "the schema describes no record, or more than one"
        raise Unimportable(
            ProblemCode.IMPORT_ROOT, message, "Import the schema of the one record, with what it refers to."
        )

    def named(self, schema: SchemaData, namespace: str) -> Named | None:
        """The type that is defined or named here; None if it has no name. Raises `Unimportable` if nothing is."""
        if isinstance(schema, dict):
            inner = schema.get("type")
            here = self._by_place.get(id(schema))
            return here or (self.named(inner, namespace) if isinstance(inner, dict | str) else None)
        if not isinstance(schema, str) or schema in _UNNAMED:
            return None
        for name in (f"{namespace}.{schema}" if namespace and "." not in schema else schema, schema):
            if name in self._by_name:
                return self._by_name[name]
        message = f"the schema names the type {quoted(schema)} and does not define it"
        raise Unimportable(ProblemCode.IMPORT_REFERENCE, message, "Bring its definition into the document.")

    def _index(self, schema: SchemaData, namespace: str, pointer: str) -> None:
        # The depth of the document is bounded, so is this recursion.
        match schema:
            case str():
                return
            case list():
                for number, branch in enumerate(schema):
                    if isinstance(branch, list):
                        _refuse(f"{pointer}/{number}", "a union directly in a union")
                    self._index(branch, namespace, f"{pointer}/{number}")
            case dict():
                self._index_type(schema, namespace, pointer)
            case _:
                _refuse(pointer, "no type")

    def _index_type(self, schema: dict[str, Any], namespace: str, pointer: str) -> None:
        kind = schema.get("type")
        if not isinstance(kind, str):
            self._index(kind, namespace, f"{pointer}/type")
        elif kind in _NAMED:
            self._index_named(schema, kind, namespace, pointer)
        elif kind in ("array", "map"):
            part = "items" if kind == "array" else "values"
            self._index(schema.get(part), namespace, f"{pointer}/{part}")

    def _index_named(self, schema: dict[str, Any], kind: str, namespace: str, pointer: str) -> None:
        name, own = schema.get("name"), schema.get("namespace", namespace)
        if not isinstance(name, str) or not name or not isinstance(own, str):
            _refuse(pointer, f"a type of the kind {kind} without a name")
        own, _, short = name.rpartition(".") if "." in name else (own, "", name)
        named = Named(f"{own}.{short}" if own else short, own, schema)
        if named.name in self._by_name:
            _refuse(pointer, f"a second definition of {quoted(named.name)}")
        self._by_name[named.name] = self._by_place[id(schema)] = named
        if kind in RECORDS:
            self._index_fields(schema.get("fields"), own, f"{pointer}/fields")
        elif kind == "enum":
            symbols = schema.get("symbols")
            if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
                _refuse(f"{pointer}/symbols", "no list of symbols")
        elif not isinstance(schema.get("size"), int) or isinstance(schema["size"], bool) or schema["size"] < 0:
            _refuse(f"{pointer}/size", "no size")

    def _index_fields(self, fields: SchemaData, namespace: str, pointer: str) -> None:
        if not isinstance(fields, list):
            _refuse(pointer, "no list of fields")
        seen: set[str] = set()
        for number, one in enumerate(fields):
            place = f"{pointer}/{number}"
            name = one.get("name") if isinstance(one, dict) else None
            if not isinstance(one, dict) or not isinstance(name, str) or "type" not in one:
                _refuse(place, "no field: it has a name and a type")
            if name in seen:
                _refuse(place, f"a second field {quoted(name)}")
            seen.add(name)
            self._index(one["type"], namespace, f"{place}/type")


def looks_like_avro(schema: SchemaData) -> bool:
    """Whether a document is an Avro schema rather than a JSON Schema, by its outermost type."""
    if isinstance(schema, dict):
        inner = schema.get("type")
        return looks_like_avro(inner) if isinstance(inner, dict) else isinstance(inner, str) and inner in _NAMED
    return isinstance(schema, list | str)


def _refuse(pointer: str, what: str) -> NoReturn:
    message = f"what stands at {pointer} is no Avro schema: {what}"
    raise Unimportable(ProblemCode.IMPORT_SCHEMA, message, "Mend it; Avro's own tools name what is wrong.", pointer)
