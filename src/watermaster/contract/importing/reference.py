"""Where a `$ref` leads inside of one document. What leads out of it is never fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from watermaster.contract.importing.dialect import Dialect, refuse_invalid
from watermaster.contract.importing.imported import Unimportable
from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.problem import ProblemCode, quoted

SchemaObject: TypeAlias = dict[str, SchemaData]

_DATA: Final = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are data, in which no schema is looked for."""
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ESCAPED: Final = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Located:
    """A schema, with the resource that its references count from and the targets inside of which it was met."""

    schema: SchemaObject | bool
    resource: SchemaObject
    trail: frozenset[int] = frozenset()
    """Identities of the targets of references."""


class Resolver:
    """All resources and anchors of one document."""

    def __init__(self, root: SchemaObject, dialect: Dialect) -> None:
        self.dialect = dialect
        self.root = Located(root, root, frozenset({id(root)}))
        self._resources: dict[str, SchemaObject] = {}
        self._anchors: dict[tuple[int, str], Located] = {}
        self._base = self._id_of(root) or ""
        self._valid = {id(root)}
        self._unknown = dialect.unknown
        self._index(root, root)
        refuse_invalid(dialect, root, "#")

    def child(self, parent: Located, schema: SchemaData) -> Located:
        """A schema that stands inside of `parent`."""
        if not isinstance(schema, dict):
            return Located(schema is not False, parent.resource, parent.trail)
        return Located(schema, schema if self._id_of(schema) else parent.resource, parent.trail)

    def words(self, located: Located) -> SchemaObject | bool:
        """The keywords that count in the dialect."""
        schema = located.schema
        if not isinstance(schema, dict) or self._unknown.isdisjoint(schema):
            return schema
        return {keyword: value for keyword, value in schema.items() if keyword not in self._unknown}

    def target(self, origin: Located, reference: str) -> Located:
        """Where `reference`, written in `origin`, leads. Raises `Unimportable`."""
        name, _, fragment = reference.partition("#")
        resource = self._resource(origin, name, reference)
        found = self._anchors.get((id(resource), fragment)) or _walk(self, resource, fragment)
        if found is None or (not isinstance(found.schema, dict | bool)):
            message = f"the reference {quoted(reference)} leads to no schema of this document"
            raise Unimportable(ProblemCode.IMPORT_REFERENCE, message, "Mend it, or bring the schema into the document.")
        if id(found.schema) not in self._valid:
            refuse_invalid(self.dialect, found.schema, reference)
            self._valid.add(id(found.schema))
        return Located(found.schema, found.resource, origin.trail | {id(found.schema)})

    def _resource(self, origin: Located, name: str, reference: str) -> SchemaObject:
        if not name:
            return origin.resource
        for spelling in (_joined(self._id_of(origin.resource) or self._base, name), _joined(self._base, name), name):
            if spelling in self._resources:
                return self._resources[spelling]
        message = f"the schema refers to {quoted(reference)}, which is not in this document and is never fetched"
        hint = "Bring it into the document under `$defs` and refer to it by `#/$defs/…` (a bundler does that)."
        raise Unimportable(ProblemCode.IMPORT_REMOTE_REFERENCE, message, hint)

    def _id_of(self, schema: SchemaObject) -> str | None:
        """The name of a resource; `#name`, an anchor of old drafts, is none."""
        found = schema.get(self.dialect.id_keyword)
        named = isinstance(found, str) and not found.startswith("#") and found.removesuffix("#") != ""
        return str(found).removesuffix("#") if named else None

    def _index(self, value: SchemaData, resource: SchemaObject) -> None:
        # The depth of the document is bounded, so is this recursion.
        if isinstance(value, list):
            for part in value:
                self._index(part, resource)
        if not isinstance(value, dict):
            return
        name = self._id_of(value)
        if name is not None:
            resource = value
            self._resources.setdefault(_joined(self._base, name), value)
        for anchor in _anchors(value, self.dialect):
            self._anchors.setdefault((id(resource), anchor), Located(value, resource))
        for keyword, part in value.items():
            if keyword not in _DATA:
                self._index(part, resource)


def _anchors(schema: SchemaObject, dialect: Dialect) -> Iterator[str]:
    for keyword in ("$anchor", "$dynamicAnchor"):
        named = schema.get(keyword)
        if isinstance(named, str):
            yield named
    old = schema.get(dialect.id_keyword)
    if isinstance(old, str) and old.startswith("#") and len(old) > 1:
        yield old[1:]


def _walk(resolver: Resolver, resource: SchemaObject, fragment: str) -> Located | None:
    """Along a JSON Pointer (RFC 6901) in a fragment."""
    at = Located(resource, resource)
    if not fragment:
        return at
    if not fragment.startswith("/"):
        return None
    value: SchemaData = resource
    for step in _unescaped(fragment)[1:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and (place := _place_in(value, name)) is not None:
            value = value[place]
        else:
            return None
        at = resolver.child(at, value)
    return at if isinstance(value, dict | bool) else None


def _place_in(values: list[SchemaData], step: str) -> int | None:
    """Which of a list a step names. Python refuses to convert thousands of digits, and no list needs them."""
    is_number = step.isascii() and step.isdigit() and len(step) <= len(str(len(values)))
    return int(step) if is_number and int(step) < len(values) else None


def _unescaped(fragment: str) -> str:
    plain = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), fragment.encode())
    return plain.decode("utf-8", "replace")


def _joined(base: str, name: str) -> str:
    """A relative name beside `base`; names with dots for steps are not taken apart."""
    if _SCHEME.match(name) or not base:
        return name
    if name.startswith("/"):
        scheme, mark, rest = base.partition("://")
        return f"{scheme}{mark}{rest.partition('/')[0]}{name}" if mark else name
    return base[: base.rfind("/") + 1] + name
