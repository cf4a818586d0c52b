"""Everything that is asked of one value, gathered: references followed, `allOf` and null alternatives dissolved.

A schema becomes a list of parts that must all hold, each without combining keywords. That is exact, since each part
keeps what belongs together (`properties` beside `additionalProperties`); where it cannot be, the part is left out with
a remark, and what is left asks less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from watermaster.contract.importing.imported import Unimportable
from watermaster.contract.importing.keyword import (
    ANNOTATIONS,
    NO_ALTERNATIVES,
    RECURSIVE,
    why_left_out,
)
from watermaster.contract.importing.kind import (
    ALL,
    NULL,
    Kinds,
    common_values,
    identity,
    kind_of,
    kinds_of_type,
    kinds_of_values,
)
from watermaster.contract.importing.reference import Located, Resolver, SchemaObject
from watermaster.contract.importing.remark import Remark, RemarkKind
from watermaster.contract.importing.schema_text import SchemaData
from watermaster.contract.problem import ProblemCode

STEPS_MAX: Final = 200_000
"""Schemas visited, references followed each time: a few hundred kilobytes of references can stand for more than all
memory."""


@dataclass(frozen=True, slots=True)
class Part:
    """Keywords that all hold of one value."""

    words: SchemaObject
    origin: Located
    nullable: bool = False
    """They hold of the value unless it is null."""
    is_top: bool = False
    """Every other part belongs to this one: what it says of all members is said of theirs, too."""
    is_cut: bool = False
    """Something is left out that might speak of more members."""


@dataclass(slots=True)
class Gatherer:
    """Gathers over one whole document; remarks come in the order in which they are met."""

    resolver: Resolver
    remarks: list[Remark] = field(default_factory=list)
    steps: int = 0

    def parts(self, asked: Sequence[Located], path: str) -> list[Part]:
        """What is asked of one value by all of the given schemas."""
        gathering = _Gathering(path)
        for located in asked:
            self._gather(located, gathering, _Place(is_top=len(asked) == 1))
        return gathering.found

    def kinds(self, located: Located, seen: frozenset[int] = frozenset()) -> Kinds:
        """The kinds of value that a schema may accept, or more. `seen` are the targets that are being looked at."""
        self._step()
        schema = self.resolver.words(located)
        if not isinstance(schema, dict):
            return ALL if schema else frozenset()
        found = kinds_of_words(schema)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            target = self.resolver.target(located, reference)
            name = id(target.schema)
            beyond = ALL if name in seen else self.kinds(target, seen | {name})
            if self.resolver.dialect.ignores_beside_ref:
                return beyond
            found &= beyond
        for sub in _schemas(schema.get("allOf")):
            found &= self.kinds(self.resolver.child(located, sub), seen)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                branches = (self.kinds(self.resolver.child(located, sub), seen) for sub in _schemas(schema[keyword]))
                found &= frozenset().union(*branches)
        return found

    def leave_out(self, path: str, keyword: str, why: str | None = None) -> None:
        """Say that the contract asks less here."""
        self.remarks.append(Remark(RemarkKind.LEFT_OUT, path, keyword, why or why_left_out(keyword)))

    def read_otherwise(self, path: str, keyword: str, why: str) -> None:
        """Say that the contract may also hold what the schema accepts here."""
        self.remarks.append(Remark(RemarkKind.OTHERWISE, path, keyword, why))

    def _step(self) -> None:
        self.steps += 1
        if self.steps > STEPS_MAX:
            message = f"the schema, with its references followed, unfolds to more than {STEPS_MAX:,} schemas"
            raise Unimportable(ProblemCode.IMPORT_SIZE, message, "Import the part that describes the records.")

    def _gather(self, located: Located, gathering: _Gathering, place: _Place) -> None:
        self._step()
        schema = self.resolver.words(located)
        if not isinstance(schema, dict):
            if not schema:
                self.leave_out(gathering.path, "false", "a contract cannot say that nothing may stand here")
            return
        reference = schema.get("$ref")
        if isinstance(reference, str):
            alone = schema.keys() <= ANNOTATIONS | {"$ref"}
            self._follow(located, reference, gathering, place if alone else place.below())
            if self.resolver.dialect.ignores_beside_ref:
                for keyword in sorted(schema.keys() - ANNOTATIONS - {"$ref"}):
                    self.leave_out(gathering.path, keyword, "beside `$ref` it counts only from draft 2019-09 on")
                return
        for sub in _schemas(schema.get("allOf")):
            self._gather(self.resolver.child(located, sub), gathering, place.below())
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                branches = [self.resolver.child(located, sub) for sub in _schemas(schema[keyword])]
                alone = schema.keys() <= ANNOTATIONS | {keyword}
                self._choose(keyword, located, branches, gathering, place if alone else place.below())
        for keyword in sorted(located.schema.keys() - schema.keys() if isinstance(located.schema, dict) else ()):
            self.leave_out(gathering.path, keyword, "it counts only from a later draft on")
        words = {word: value for word, value in schema.items() if word not in ("$ref", "allOf", "anyOf", "oneOf")}
        gathering.add(words, located, place)

    def _follow(self, located: Located, reference: str, gathering: _Gathering, place: _Place) -> None:
        target = self.resolver.target(located, reference)
        if isinstance(target.schema, dict) and id(target.schema) in located.trail:
            self.leave_out(gathering.path, "$ref", RECURSIVE)
            gathering.add({"type": _type_words(self.kinds(target))}, target, replace(place, is_cut=True))
        elif gathering.is_new(target, place):
            self._gather(target, gathering, place)

    def _choose(
        self, keyword: str, located: Located, branches: Sequence[Located], gathering: _Gathering, place: _Place
    ) -> None:
        """Of `anyOf` or `oneOf`, what a contract can say."""
        others = [branch for branch in branches if not self._is_null(branch)]
        nulls = len(branches) - len(others)
        values = self._union_of_values(branches, keyword)
        if values is not None:
            gathering.add({"enum": values}, located, place.below())
        elif len(others) == 1:
            self._gather(others[0], gathering, replace(place, nullable=place.nullable or nulls > 0))
            if keyword == "oneOf" and nulls and (nulls > 1 or self.kinds(others[0]) & NULL):
                self.leave_out(gathering.path, keyword, "null, which more than one of its schemas accepts, passes")
        else:
            kinds = [self.kinds(branch) for branch in branches]
            together = frozenset().union(*kinds)
            is_sum = keyword == "anyOf" or len(together) == sum(map(len, kinds))
            is_exact = is_sum and all(map(self._is_only_type, branches))
            if not is_exact:
                self.leave_out(gathering.path, keyword, NO_ALTERNATIVES)
            gathering.add({"type": _type_words(together)}, located, replace(place.below(), is_cut=not is_exact))

    def _is_null(self, branch: Located) -> bool:
        schema = self.resolver.words(branch)
        if not isinstance(schema, dict) or not schema.keys() <= ANNOTATIONS | {"type", "const", "enum"}:
            return False
        return kinds_of_words(schema) == NULL

    def _is_only_type(self, branch: Located) -> bool:
        schema = self.resolver.words(branch)
        return isinstance(schema, dict) and "type" in schema and schema.keys() <= ANNOTATIONS | {"type"}

    def _union_of_values(self, branches: Iterable[Located], keyword: str) -> list[SchemaData] | None:
        """All values of branches that only list some; of `oneOf`, those that one branch alone lists."""
        counts: Counter[object] = Counter()
        values: dict[object, SchemaData] = {}
        for branch in branches:
            listed = _only_values(self.resolver.words(branch))
            if listed is None:
                return None
            counts.update(map(identity, listed))
            values |= {identity(value): value for value in listed}
        return [value for key, value in values.items() if keyword == "anyOf" or counts[key] == 1]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a schema was met on the way to one value; see `Part`."""

    nullable: bool = False
    is_top: bool = False
    is_cut: bool = False

    def below(self) -> _Place:
        return replace(self, is_top=False)


@dataclass(slots=True)
class _Gathering:
    """The parts of one value so far."""

    path: str
    found: list[Part] = field(default_factory=list)
    seen: set[tuple[int, bool]] = field(default_factory=set)

    def add(self, words: SchemaObject, origin: Located, place: _Place) -> None:
        self.found.append(Part(words, origin, place.nullable, place.is_top, place.is_cut))

    def is_new(self, target: Located, place: _Place) -> bool:
        """Whether a schema was not gathered before: to ask twice is to ask once."""
        name = id(target.schema), place.nullable
        known = name in self.seen
        self.seen.add(name)
        return not known


def kinds_of_words(words: SchemaObject) -> Kinds:
    """What `type`, `enum`, `const` and a plain `not` allow."""
    found = kinds_of_type(words["type"]) if "type" in words else ALL
    values = listed_values(words)
    if values is not None:
        found &= kinds_of_values(values)
    return found - NULL if excludes_null(words) else found


def excludes_null(words: SchemaObject) -> bool:
    """Whether `not` says no more than that the value is not null."""
    refused = words.get("not")
    return isinstance(refused, dict) and refused.keys() == {"type"} and kinds_of_type(refused["type"]) == NULL


def listed_values(words: SchemaObject) -> list[SchemaData] | None:
    """The values that `enum` and `const` both allow; None if there is neither."""
    values: list[SchemaData] | None = None
    enum = words.get("enum")
    if isinstance(enum, list):
        values = common_values(values, enum)
    if "const" in words:
        values = common_values(values, [words["const"]])
    return values


def _schemas(value: SchemaData) -> list[SchemaData]:
    return value if isinstance(value, list) else []


def _only_values(schema: SchemaObject | bool) -> list[SchemaData] | None:
    """The values that a schema accepts, if it says nothing else than which."""
    if not isinstance(schema, dict) or not schema.keys() <= ANNOTATIONS | {"type", "const", "enum"}:
        return None
    kinds, listed = kinds_of_words(schema), listed_values(schema)
    if listed is None:
        return [None] if kinds == NULL else None
    return [value for value in listed if kind_of(value) in kinds]


def _type_words(kinds: Kinds) -> list[SchemaData]:
    """`type` for a set of kinds."""
    return [*sorted(kinds)]
