"""Checks of whole documents: objects, arrays and maps over the scalar checks. One engine for every decoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, assert_never
from unicodedata import normalize

from watermaster.contract.checks import FieldCheck, LogicalType, UnknownFields
from watermaster.gate.breach import Breaches, Checker, breach, mismatches
from watermaster.gate.reasons import REASONS
from watermaster.gate.scalar_check import SCALAR_COMPILERS
from watermaster.gate.strict_json import Document
from watermaster.gate.text_pattern import MembersMatch, without_text_patterns
from watermaster.gate.verdict import BrokenRule


def compile_value(check: FieldCheck, unknown: UnknownFields) -> Checker:
    """A checker for one value and all below it. The value is not null: null is judged by who holds the value."""
    match check.type:
        case LogicalType.OBJECT:
            return _compile_object(check, unknown)
        case LogicalType.ARRAY:
            return _compile_array(check, unknown)
        case LogicalType.MAP:
            return _compile_map(check, unknown)
        case (
            LogicalType.STRING
            | LogicalType.NUMBER
            | LogicalType.INTEGER
            | LogicalType.BOOLEAN
            | LogicalType.DATE
            | LogicalType.TIMESTAMP
            | LogicalType.TIME
            | LogicalType.ANY
        ):
            return SCALAR_COMPILERS[check.type](check)
        case _:
            assert_never(check.type)


def null_breach(check: FieldCheck) -> BrokenRule | None:
    """The reason why null is refused here; None if it is not."""
    return breach(check, "required", "field.null", REASONS["field.null"]) if check.required else None


_Row: TypeAlias = tuple[str, Checker, BrokenRule | None, BrokenRule | None]
"""Name, checker, reason if missing, reason if null."""


def _row(child: FieldCheck, check: FieldCheck, unknown: UnknownFields) -> _Row:
    due = child.required or child.name in check.required_names
    missing = breach(child, "required", "field.missing", REASONS["field.missing"]) if due else None
    return child.name, compile_value(child, unknown), missing, null_breach(child)


def _compile_object(check: FieldCheck, unknown: UnknownFields) -> Checker:
    wrong = mismatches(check, "an object")
    judge_members = _compile_members(check, unknown)
    sizes = _size_tests(check, check.min_properties, check.max_properties, "object", "Properties", "members")
    due_names = _due_names(check)

    def judge(value: Document, broken: Breaches) -> None:
        if type(value) is not dict:
            broken.append(wrong[type(value)])
            return
        judge_members(value, broken)
        for name, reason in due_names:
            if name not in value:
                broken.append(reason)
        for low, high, reason in sizes:
            if not low <= len(value) <= high:
                broken.append(reason)

    return judge


def _compile_members(check: FieldCheck, unknown: UnknownFields) -> Callable[[dict[str, Document], Breaches], None]:
    """Judges declared members. Texts that match together with their neighbours' are not matched again."""
    match = MembersMatch(check.properties)
    rows = {child.name: _row(child, check, unknown) for child in check.properties}
    sure = {
        child.name: _row(without_text_patterns(child), check, unknown)
        if child.name in match.names
        else rows[child.name]
        for child in check.properties
    }
    finished = {child.name for child in check.properties if child.name in match.names and _is_matched_out(child)}
    unfinished = [row for name, row in sure.items() if name not in finished]
    all_sure = list(sure.values())
    strangers = _compile_strangers(check, unknown)

    def judge(value: dict[str, Document], broken: Breaches) -> None:
        doubtful = match.doubtful(value)
        if doubtful is None:
            known = len(finished) + _judge_rows(unfinished, value, broken)
        elif not doubtful:
            known = _judge_rows(all_sure, value, broken)
        else:
            known = _judge_rows([rows[name] if name in doubtful else sure[name] for name in rows], value, broken)
        if known != len(value):
            strangers(value, broken)

    return judge


def _is_matched_out(child: FieldCheck) -> bool:
    """Whether nothing is left to judge of a text that matches its expressions."""
    rest = without_text_patterns(child)
    asked = (rest.pattern, rest.format, rest.temporal, rest.min_length, rest.max_length, rest.enum, rest.range)
    return all(part is None for part in asked)


_ABSENT: Final = object()


def _judge_rows(rows: list[_Row], value: dict[str, Document], broken: Breaches) -> int:
    """The number of declared members that are there."""
    known = 0
    for name, judge, missing, null in rows:
        member = value.get(name, _ABSENT)
        if member is _ABSENT:
            if missing is not None:
                broken.append(missing)
            continue
        known += 1
        if member is not None:
            judge(member, broken)  # type: ignore[arg-type]
        elif null is not None:
            broken.append(null)
    return known


def _compile_strangers(check: FieldCheck, unknown: UnknownFields) -> Checker:
    """Members that the contract does not name, and names in `required` that are no properties."""
    known = frozenset(child.name for child in check.properties)
    alike = {_fold(child.name): child for child in check.properties}
    ambiguous = {
        folded: breach(child, "name", "field.ambiguous", REASONS["field.ambiguous"]) for folded, child in alike.items()
    }
    twins = breach(check, "name", "field.ambiguous", REASONS["field.ambiguous"])
    refused = breach(check, "unknown", "field.unknown", REASONS["field.unknown"]) if known else None
    allowed = unknown is UnknownFields.ALLOW or refused is None

    def judge(value: Document, broken: Breaches) -> None:
        names = value.keys() - known  # type: ignore[union-attr]
        if refused is not None and not allowed:
            broken.append(refused)
        broken.extend(ambiguous[folded] for folded in sorted(set(map(_fold, names)) & ambiguous.keys()))
        if _has_twins(names):
            broken.append(twins)

    return judge


def _due_names(check: FieldCheck) -> list[tuple[str, BrokenRule]]:
    """Names that must be there and are no properties of the contract."""
    known = {child.name for child in check.properties}
    reason = breach(check, "required", "field.missing", REASONS["field.missing"])
    return [(name, reason) for name in check.required_names if name not in known]


def _has_twins(names: Iterable[str]) -> bool:
    """Whether two names are the same after Unicode normalisation."""
    wide = [name for name in names if not name.isascii()]
    return len({normalize("NFC", name) for name in wide}) != len(wide)


def _fold(name: str) -> str:
    return normalize("NFC", name).casefold()


def _size_tests(
    check: FieldCheck, low: int | None, high: int | None, family: str, keyword: str, things: str
) -> list[tuple[int, float, BrokenRule]]:
    code = keyword.lower()
    tests: list[tuple[int, float, BrokenRule]] = []
    if low is not None:
        reason = breach(check, f"min{keyword}", f"{family}.min_{code}", f"must have at least {low} {things}")
        tests.append((low, float("inf"), reason))
    if high is not None:
        reason = breach(check, f"max{keyword}", f"{family}.max_{code}", f"must have at most {high} {things}")
        tests.append((0, high, reason))
    return tests


def _compile_array(check: FieldCheck, unknown: UnknownFields) -> Checker:
    wrong = mismatches(check, "an array")
    sizes = _size_tests(check, check.min_items, check.max_items, "array", "Items", "items")
    judge_item = None if check.items is None else compile_value(check.items, unknown)
    null = None if check.items is None else null_breach(check.items)
    repeated = breach(check, "uniqueItems", "array.unique_items", REASONS["array.unique_items"])

    def judge(value: Document, broken: Breaches) -> None:
        if type(value) is not list:
            broken.append(wrong[type(value)])
            return
        for low, high, reason in sizes:
            if not low <= len(value) <= high:
                broken.append(reason)
        if judge_item is not None:
            for item in value:
                if item is not None:
                    judge_item(item, broken)
                elif null is not None:
                    broken.append(null)
        if check.unique_items and not _all_different(value):
            broken.append(repeated)

    return judge


def _all_different(items: list[Document]) -> bool:
    """JSON equality: 1 is 1.0, true is not 1, members of objects have no order."""
    return len({_identity(item) for item in items}) == len(items)


def _identity(value: Document) -> object:
    if isinstance(value, list):
        return ("array", *map(_identity, value))
    if isinstance(value, dict):
        return ("object", frozenset((name, _identity(member)) for name, member in value.items()))
    return (type(value) is bool, value)


def _compile_map(check: FieldCheck, unknown: UnknownFields) -> Checker:
    wrong = mismatches(check, "an object")
    judge_key = None if check.map_key is None else compile_value(check.map_key, unknown)
    judge_member = None if check.map_value is None else compile_value(check.map_value, unknown)
    null = None if check.map_value is None else null_breach(check.map_value)

    def judge(value: Document, broken: Breaches) -> None:
        if type(value) is not dict:
            broken.append(wrong[type(value)])
            return
        if judge_key is not None:
            for name in value:
                judge_key(name, broken)
        if judge_member is not None:
            for member in value.values():
                if member is not None:
                    judge_member(member, broken)
                elif null is not None:
                    broken.append(null)

    return judge
