"""What is wrong with a contract or a fix, as a value: where it stands, what it says, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeAlias

PROBLEMS_MAX = 100
"""A person mends a few and looks again; a hostile document could have one per node."""
NAMES_SHOWN_MAX = 16
"""A longer list of valid names is not read; then only the nearest is given."""
QUOTED_CHARACTERS_MAX = 60
"""Enough of a document's own text to recognise it."""

PathStep: TypeAlias = str | int


class ProblemCode(StrEnum):
    """Stable codes.

    `yaml.*` is the text, `schema.*` the official schema and that of our own documents, `contract.*` and `fix.*` what
    is asked for, `lint.*` advice on a contract that can be used, `import.*` a schema that becomes none.
    """

    YAML_SIZE = "yaml.size"
    YAML_ENCODING = "yaml.encoding"
    YAML_TAB = "yaml.tab"
    YAML_SYNTAX = "yaml.syntax"
    YAML_EMPTY = "yaml.empty"
    YAML_DOCUMENTS = "yaml.documents"
    YAML_DEPTH = "yaml.depth"
    YAML_NODES = "yaml.nodes"
    YAML_ALIAS = "yaml.alias"
    YAML_MERGE = "yaml.merge"
    YAML_TAG = "yaml.tag"
    YAML_KEY = "yaml.key"
    YAML_DUPLICATE_KEY = "yaml.duplicate_key"
    YAML_NUMBER = "yaml.number"
    YAML_TEXT = "yaml.text"

    NOT_A_CONTRACT = "schema.not_a_contract"
    VERSION = "schema.version"
    UNKNOWN_KEY = "schema.unknown_key"
    MISPLACED_KEY = "schema.misplaced_key"
    MISSING_KEY = "schema.missing_key"
    UNKNOWN_VALUE = "schema.unknown_value"
    WRONG_TYPE = "schema.type"
    WRONG_VALUE = "schema.value"

    NO_SCHEMA = "contract.no_schema"
    UNKNOWN_STREAM = "contract.unknown_stream"
    NAME_CLASH = "contract.name_clash"
    UNKNOWN_PROPERTY = "contract.unknown_property"
    EXTENSION = "contract.extension"
    UNKNOWN_EXTENSION = "contract.unknown_extension"
    OPTION_MISFIT = "contract.option_misfit"
    RANGE = "contract.range"
    BOUND = "contract.bound"
    ENUM_TYPE = "contract.enum_type"
    PATTERN = "contract.pattern"
    FORMAT = "contract.format"
    RULE = "contract.rule"
    SEVERITY = "contract.severity"
    CONTRADICTION = "contract.contradiction"
    ENCODING = "contract.encoding"

    NO_OWNER = "lint.no_owner"
    NO_RULE = "lint.no_rule"
    UNANCHORED = "lint.unanchored_pattern"
    NEVER_FIRES = "lint.never_fires"
    NEVER_PASSES = "lint.never_passes"
    UNKNOWN_FIELD = "lint.unknown_field"
    UNJUDGED = "lint.unjudged"

    IMPORT_SIZE = "import.size"
    IMPORT_JSON = "import.json"
    IMPORT_DEPTH = "import.depth"
    IMPORT_DIALECT = "import.dialect"
    IMPORT_SCHEMA = "import.schema"
    IMPORT_ROOT = "import.root"
    IMPORT_REFERENCE = "import.reference"
    IMPORT_REMOTE_REFERENCE = "import.remote_reference"

    NOT_A_FIX = "fix.not_a_fix"
    FIX_STEP = "fix.step"
    FIX_PLACE = "fix.place"
    FIX_RESERVED = "fix.reserved"
    FIX_FORMAT = "fix.format"
    FIX_EXPRESSION = "fix.expression"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the text; both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that must change before the document can be used.

    `source` is what the caller called the document, `path` the JSON path inside it (`$.schema[0].name`). Line and
    column are those of the key (in a list, of the item), counted from 1; None where the text has no such place.
    """

    code: ProblemCode
    message: str
    hint: str = ""
    source: str = ""
    line: int | None = None
    column: int | None = None
    path: str = "$"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.source, self.line, self.column) if part not in ("", None))
        hint = f" {self.hint}" if self.hint else ""
        return f"{place}: {self.path}: {self.message}.{hint} [{self.code}]"


def join_path(path: str, step: PathStep) -> str:
    """The JSON path of a child: `$.a`, `$.a[0]`, and `$['a b']` for names that are no identifiers."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    if step.replace("-", "_").isidentifier():
        return f"{path}.{step}"
    return f"{path}[{step!r}]"


def quoted(text: object) -> str:
    """A piece of the document for a message: on one line, cut, in quotes."""
    shown = repr(text) if not isinstance(text, str) else ascii(text) if not text.isprintable() else f"'{text}'"
    return shown if len(shown) <= QUOTED_CHARACTERS_MAX else shown[: QUOTED_CHARACTERS_MAX - 1] + "…"


def nearest(name: str, valid: Collection[str]) -> str | None:
    """The valid name that `name` was most likely meant to be, if any is near."""
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    close = get_close_matches(name[:QUOTED_CHARACTERS_MAX].casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def suggest(name: str, valid: Collection[str]) -> str:
    """A hint that names the nearest valid name and, when they are few, all of them."""
    near = nearest(name, valid)
    guess = f"Did you mean {quoted(near)}? " if near else ""
    if not valid or (len(valid) > NAMES_SHOWN_MAX and near):
        return guess.strip()
    return f"{guess}Valid here: {', '.join(sorted(valid))}."


def locate(positions: Mapping[str, Position], path: str) -> Position | None:
    """The position of a path, or of its nearest ancestor that stands in the text."""
    while path not in positions and path != "$":
        path = path[: max(path.rfind("."), path.rfind("["))] or "$"
    return positions.get(path)
