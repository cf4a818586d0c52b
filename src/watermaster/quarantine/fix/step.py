"""One step of a fix document -> an operation, or problems with their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from watermaster.contract.cel import CelProblem, compile_expression
from watermaster.contract.findings import Findings, Node, mappings, text
from watermaster.contract.problem import ProblemCode, quoted, suggest
from watermaster.contract.scalars import exact
from watermaster.contract.temporal import OFFSET_SECONDS_MAX, TemporalKind
from watermaster.contract.yaml_text import Json
from watermaster.quarantine.fix.change import (
    Cast,
    CastType,
    Lookup,
    MomentFormat,
    ReformatMoment,
    ReformatNumber,
    lookup_key,
    moment_format,
)
from watermaster.quarantine.fix.operation import Alter, Constant, Delete, Move, Operation, Put, Rename, Source
from watermaster.quarantine.fix.place import BadPlace, Every, Part, Place, parse_place
from watermaster.quarantine.fix.scalar import Scalar, write_json
from watermaster.quarantine.fix.trouble import Trouble


@dataclass(frozen=True, slots=True)
class _At:
    """A step on its way: its node, its path in the document, its verb and its place in the record."""

    node: Node
    path: str
    verb: str
    place: Place
    findings: Findings

    def refuse(self, code: ProblemCode, message: str, hint: str, key: str = "") -> None:
        self.findings.problem(code, message, hint, f"{self.path}.{key or self.verb}")


_NEEDS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "set": ((), ("value", "cel")),
    "default": ((), ("value", "cel")),
    "rename": (("to",), ()),
    "move": (("to",), ()),
    "delete": ((), ()),
    "cast": (("to",), ()),
    "map": (("values",), ("otherwise",)),
    "reformat": (("kind",), ("from", "to", "zone", "cut", "decimal", "group")),
}
"""Verb -> the keys that it needs, and those that it may have."""


def read_step(node: Node, path: str, findings: Findings) -> Operation | None:
    """The operation; None if there is a problem, which is in the findings then. The schema has been asked before."""
    verbs = [name for name in node if name in _NEEDS]
    if len(verbs) != 1:
        message = "a step has one verb" if verbs else "the step has no verb"
        findings.problem(ProblemCode.FIX_STEP, message, f"Write one of {', '.join(_NEEDS)}.", path)
        return None
    verb = verbs[0]
    place = _place(text(node.get(verb)) or "", f"{path}.{verb}", findings)
    if place is None or not _is_whole(node, verb, path, findings):
        return None
    return _READERS[verb](_At(node, path, verb, place, findings))


def _is_whole(node: Node, verb: str, path: str, findings: Findings) -> bool:
    needed, optional = _NEEDS[verb]
    lacking = [name for name in needed if name not in node]
    foreign = [name for name in node if name not in (verb, "why", *needed, *optional)]
    for name in lacking:
        findings.problem(ProblemCode.FIX_STEP, f"`{verb}` needs `{name}`", f"Add `{name}:`.", path)
    for name in foreign:
        takes = ", ".join((*needed, *optional)) or "nothing else"
        findings.problem(
            ProblemCode.FIX_STEP, f"`{name}` does not belong to `{verb}`", f"It takes {takes}.", f"{path}.{name}"
        )
    return not (lacking or foreign)


def _place(written: str, path: str, findings: Findings) -> Place | None:
    place = parse_place(written)
    if isinstance(place, BadPlace):
        code = ProblemCode.FIX_RESERVED if place.is_reserved else ProblemCode.FIX_PLACE
        findings.problem(code, f"{quoted(written)}: {place.message}", place.hint, path)
        return None
    return place


def _put(at: _At) -> Operation | None:
    if ("value" in at.node) == ("cel" in at.node):
        at.refuse(ProblemCode.FIX_STEP, f"`{at.verb}` needs either `value` or `cel`", "Add one of the two.")
        return None
    source = _constant(at) if "value" in at.node else _expression(at)
    return None if source is None else Put(at.place, source, keeps=at.verb == "default")


def _constant(at: _At) -> Source | None:
    fragment = write_json(at.node["value"])
    if isinstance(fragment, Trouble):
        at.refuse(ProblemCode.FIX_STEP, fragment.message, "Write a value that JSON has.", "value")
        return None
    return Constant(fragment)


def _expression(at: _At) -> Source | None:
    try:
        return compile_expression(text(at.node.get("cel")) or "")
    except CelProblem as problem:
        message = f"the expression is no CEL ({problem.message}), at line {problem.line}, column {problem.column}"
        at.refuse(ProblemCode.FIX_EXPRESSION, message, "It sees `this`, `key` and `headers`, and no clock.", "cel")
        return None


def _rename(at: _At) -> Operation | None:
    name = text(at.node.get("to")) or ""
    if at.place.part is Part.HEADER:
        return None if _place(f"header:{name}", f"{at.path}.to", at.findings) is None else Rename(at.place, name)
    if not at.place.steps or not isinstance(at.place.steps[-1], str):
        at.refuse(ProblemCode.FIX_PLACE, "only members and headers have names", "Name a member, like $.total.")
        return None
    if name.startswith(("$.", "key.")):
        at.refuse(ProblemCode.FIX_PLACE, "`to` is the new name alone, and not a place", "`move` takes a place.", "to")
        return None
    return Rename(at.place, name)


def _move(at: _At) -> Operation | None:
    to = _place(text(at.node.get("to")) or "", f"{at.path}.to", at.findings)
    if to is None:
        return None
    if at.place.is_many or to.is_many or (to.steps and not isinstance(to.steps[-1], str)):
        message = "a move is from one place to one member, key or header"
        at.refuse(ProblemCode.FIX_PLACE, message, "Leave out [*], and end `to` with a name.", "to")
        return None
    return Move(at.place, to)


def _delete(at: _At) -> Operation | None:
    if at.place.steps and isinstance(at.place.steps[-1], Every):
        at.refuse(ProblemCode.FIX_PLACE, "all items at once are not deleted", "`set` the list to [] instead.")
        return None
    return Delete(at.place)


def _cast(at: _At) -> Operation | None:
    wanted, valid = text(at.node.get("to")) or "", [kind.value for kind in CastType]
    if wanted not in valid:
        at.refuse(ProblemCode.UNKNOWN_VALUE, f"there is no type {quoted(wanted)}", suggest(wanted, valid), "to")
        return None
    return Alter(at.place, Cast(CastType(wanted)))


def _map(at: _At) -> Operation | None:
    pairs: dict[tuple[str, Scalar], bytes] = {}
    for index, node in enumerate(mappings(at.node.get("values"))):
        key, fragment = _scalar(node.get("from")), write_json(node.get("to"))
        if key is None or isinstance(fragment, Trouble) or key in pairs:
            message = "`from` is a single value, and each stands there once"
            at.refuse(ProblemCode.FIX_STEP, message, "Keep one of them.", f"values[{index}]")
            return None
        pairs[key] = fragment
    return Alter(at.place, Lookup(pairs, refuses_others=at.node.get("otherwise") == "refuse"))


def _scalar(value: Json) -> tuple[str, Scalar] | None:
    match value:
        case None | bool() | str():
            return lookup_key(value)
        case int() | float():
            return lookup_key(exact(value))
        case _:
            return None


_OF_MOMENTS: Final = ("from", "to", "zone", "cut")
_OF_NUMBERS: Final = ("decimal", "group", "to")
_NUMBER_FORMS: Final = ("number", "text")


def _reformat(at: _At) -> Operation | None:
    if at.node.get("kind") == "number":
        return _reformat_number(at)
    foreign = next((name for name in ("decimal", "group") if name in at.node), None)
    missing = next((name for name in ("from", "to") if name not in at.node), None)
    if foreign or missing:
        message = f"`{foreign}` is for numbers" if foreign else f"`reformat` of a moment needs `{missing}`"
        at.refuse(ProblemCode.FIX_STEP, message, f"It takes {', '.join(_OF_MOMENTS)}.", foreign or "")
        return None
    kind = TemporalKind(text(at.node.get("kind")) or "")
    offset_s = _offset_s(text(at.node.get("zone")) or "Z")
    if offset_s is None:
        at.refuse(ProblemCode.FIX_FORMAT, "the offset is beyond 18 hours, or no time of day", "Like +02:00.", "zone")
        return None
    cuts = at.node.get("cut") is True
    reads = _format(at, "from", (kind,), offset_s)
    # What is cut off may be the whole clock: a timestamp may be written as a date.
    writes = _format(at, "to", (kind, TemporalKind.DATE, TemporalKind.TIME) if cuts else (kind,), offset_s)
    if reads is None or writes is None:
        return None
    return Alter(at.place, ReformatMoment(kind, reads, writes, offset_s, cuts))


def _reformat_number(at: _At) -> Operation | None:
    foreign = next((name for name in ("from", "zone", "cut") if name in at.node), None)
    if foreign:
        message = f"`{foreign}` is for moments"
        at.refuse(ProblemCode.FIX_STEP, message, f"It takes {', '.join(_OF_NUMBERS)}.", foreign)
        return None
    to = text(at.node.get("to")) or "number"
    decimal, group = text(at.node.get("decimal")) or ".", text(at.node.get("group")) or ""
    if to not in _NUMBER_FORMS:
        at.refuse(ProblemCode.UNKNOWN_VALUE, f"there is no form {quoted(to)}", suggest(to, _NUMBER_FORMS), "to")
        return None
    if decimal == group:
        at.refuse(ProblemCode.CONTRADICTION, "one sign cannot be both", "Change `decimal` or `group`.", "group")
        return None
    return Alter(at.place, ReformatNumber(decimal, group, to_text=to == "text"))


def _format(at: _At, key: str, kinds: tuple[TemporalKind, ...], offset_s: int) -> MomentFormat | None:
    written = text(at.node.get(key)) or ""
    found = [moment_format(written, kind, offset_s) for kind in kinds]
    for one in found:
        if isinstance(one, MomentFormat):
            return one
    hint = "Write a JDK pattern, rfc3339, epoch_days, epoch_s, epoch_ms or epoch_us."
    at.refuse(ProblemCode.FIX_FORMAT, f"{quoted(written)}: {found[0]}", hint, key)
    return None


def _offset_s(zone: str) -> int | None:
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    seconds = hours * 3600 + minutes * 60
    if minutes >= 60 or seconds > OFFSET_SECONDS_MAX:  # noqa: PLR2004 - minutes of an hour
        return None
    return -seconds if zone[0] == "-" else seconds


_READERS: Final[Mapping[str, Callable[[_At], Operation | None]]] = {
    "set": _put,
    "default": _put,
    "rename": _rename,
    "move": _move,
    "delete": _delete,
    "cast": _cast,
    "map": _map,
    "reformat": _reformat,
}
