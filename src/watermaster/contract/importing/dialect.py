"""The drafts of JSON Schema that are read, and whether a document is valid by one of them. Nothing is ever fetched."""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, Final

import jsonschema_rs

from watermaster.contract.importing.imported import Unimportable
from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.problem import ProblemCode, quoted


class Dialect(Enum):
    """By the name under `$schema`, without the empty fragment; newest first."""

    DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"
    DRAFT_2019_09 = "https://json-schema.org/draft/2019-09/schema"
    DRAFT_7 = "http://json-schema.org/draft-07/schema"
    DRAFT_6 = "http://json-schema.org/draft-06/schema"
    DRAFT_4 = "http://json-schema.org/draft-04/schema"

    @property
    def ignores_beside_ref(self) -> bool:
        """Whether nothing counts that stands beside `$ref`."""
        return self in (Dialect.DRAFT_7, Dialect.DRAFT_6, Dialect.DRAFT_4)

    @property
    def unknown(self) -> frozenset[str]:
        """Keywords of later drafts that are read here, and that count for nothing in this one."""
        if self is Dialect.DRAFT_4:
            return _SINCE_6 | _SINCE_2019
        return _SINCE_2019 if self in (Dialect.DRAFT_6, Dialect.DRAFT_7) else frozenset()

    @property
    def id_keyword(self) -> str:
        """The keyword that names a schema."""
        return "id" if self is Dialect.DRAFT_4 else "$id"


_SINCE_6: Final = frozenset({"const", "propertyNames"})
_SINCE_2019: Final = frozenset({"unevaluatedProperties"})
_LATEST: Final = "http://json-schema.org/schema"


def dialect_of(schema: dict[str, SchemaData]) -> Dialect:
    """The draft that a document names, else the newest by which it is valid. Raises `Unimportable`."""
    named = schema.get("$schema")
    if not isinstance(named, str):
        found = (dialect for dialect in Dialect if _first_problem(dialect, schema) is None)
        return next(found, Dialect.DRAFT_2020_12)
    plain = named.removesuffix("#")
    if plain == _LATEST:
        return Dialect.DRAFT_2020_12
    for dialect in Dialect:
        if plain.partition("://")[2] == dialect.value.partition("://")[2]:
            return dialect
    message = f"the schema is written in {quoted(named)}, which is not read"
    hint = f"Known are drafts 4, 6, 7, 2019-09 and 2020-12 ({Dialect.DRAFT_2020_12.value})."
    raise Unimportable(ProblemCode.IMPORT_DIALECT, message, hint, "#/$schema")


def refuse_invalid(dialect: Dialect, schema: SchemaData, pointer: str) -> None:
    """Raises `Unimportable` unless the part of a document at `pointer` is a schema of the dialect."""
    path = _first_problem(dialect, schema)
    if path is not None:
        place = "/".join([pointer, *(str(step).replace("~", "~0").replace("/", "~1") for step in path)])
        message = f"what stands at {place} is no JSON Schema of {dialect.value}"
        hint = "Mend it; validators name what is wrong there."
        raise Unimportable(ProblemCode.IMPORT_SCHEMA, message, hint, place)


def _first_problem(dialect: Dialect, schema: SchemaData) -> list[str | int] | None:
    error = next(_metaschema(dialect).iter_errors(schema), None)
    return None if error is None else list(error.instance_path)


@cache
def _metaschema(dialect: Dialect) -> Any:  # noqa: ANN401 - the validators of the library have no common type
    # Without formats: a pattern that is none is left out, and said, like one that has no linear-time meaning.
    name = dialect.value if "draft/" in dialect.value else f"{dialect.value}#"
    return jsonschema_rs.validator_for({"$schema": name, "$ref": name}, validate_formats=False, offline=True)
