"""Options of dates, times and timestamps: their form, their zone, their bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from watermaster.contract.checks import FieldCheck, LogicalType, Range
from watermaster.contract.findings import Findings, Node, text
from watermaster.contract.jdk_format import BadFormat, UnjudgedFormat, compile_jdk_format
from watermaster.contract.problem import ProblemCode, quoted
from watermaster.contract.temporal import (
    OFFSET_SECONDS_MAX,
    TemporalForm,
    TemporalKind,
    TemporalReason,
    default_form,
    parse_temporal,
)

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Z", "Zulu", "UCT", "Etc/UCT", "Universal", "Greenwich"})
_FIXED = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.ASCII)
_ETC = re.compile(r"Etc/GMT([+-])([0-9]{1,2})", re.ASCII)
_REGION = re.compile(r"[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+|[A-Z]{3,4}(?:[0-9][A-Z]{3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Zone:
    """Where local times are: a fixed offset in seconds, or None for a region whose offset changes."""

    offset_s: int | None


def compile_time_options(check: FieldCheck, options: Node, path: str, findings: Findings) -> FieldCheck:
    """The check with form, zone and bounds of a DATE, TIMESTAMP or TIME. ODCS: no zone given means UTC."""
    offset = options.get("timezone")
    policy = offset if isinstance(offset, bool) else None
    zone = _zone(options, path, findings)
    form = _form(check, options, policy, zone.offset_s or 0, path, findings)
    judged = replace(check, temporal=form, temporal_format=text(options.get("format")), timezone=policy)
    given = [name for name in _BOUNDS if text(options.get(name)) is not None]
    if form is None or not given:
        return judged
    if zone.offset_s is None and policy is not True:
        name = quoted(options.get("defaultTimezone"))
        findings.say(
            f"{check.path}: the bounds ({', '.join(given)}) are not judged, because local times in {name} would need "
            "the time zone data of each machine; write an offset such as +01:00, or ask for one with `timezone: true`."
        )
        return judged
    return replace(judged, range=_range(form, options, path, findings))


def _form(
    check: FieldCheck, options: Node, policy: bool | None, offset_s: int, path: str, findings: Findings
) -> TemporalForm | None:
    kind = TemporalKind(check.type.value)
    written = text(options.get("format"))
    if written is None:
        return default_form(kind, offset=policy, default_offset_s=offset_s)
    form = compile_jdk_format(written, kind, offset=policy, default_offset_s=offset_s)
    match form:
        case BadFormat(message):
            hint = "Example: yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX."
            findings.problem(ProblemCode.FORMAT, f"the format {quoted(written)}: {message}", hint, f"{path}.format")
            return None
        case UnjudgedFormat(message):
            findings.say(f"{check.path}: the format {quoted(written)} is not judged, any text passes: {message}.")
            return None
        case TemporalForm():
            return form


def _zone(options: Node, path: str, findings: Findings) -> _Zone:
    name = text(options.get("defaultTimezone"))
    if name is None or name in _UTC_NAMES:
        return _Zone(0)
    fixed, etc = _FIXED.fullmatch(name), _ETC.fullmatch(name)
    if fixed is not None:
        size = int(fixed[2]) * 3600 + int(fixed[3] or 0) * 60
    elif etc is not None:
        size = int(etc[2]) * 3600
    elif _REGION.fullmatch(name):
        return _Zone(None)
    else:
        size = OFFSET_SECONDS_MAX + 1
    if size > OFFSET_SECONDS_MAX:
        message = f"{quoted(name)} is no time zone"
        hint = "Write a fixed offset (+02:00), UTC, or a region (Europe/Berlin)."
        findings.problem(ProblemCode.FORMAT, message, hint, f"{path}.defaultTimezone")
        return _Zone(0)
    # Etc/GMT+1 lies west of Greenwich: its signs are the reverse of everyone else's.
    negative = fixed[1] == "-" if fixed is not None else etc is not None and etc[1] == "+"
    return _Zone(-size if negative else size)


def _range(form: TemporalForm, options: Node, path: str, findings: Findings) -> Range:
    found: dict[str, int | None] = {}
    for name in _BOUNDS:
        written = text(options.get(name))
        found[name] = None if written is None else _bound(written, form)
        if written is not None and found[name] is None:
            message = f"the bound {quoted(written)} is no {form.kind.value} written as {form.text}"
            findings.problem(ProblemCode.BOUND, message, _bound_hint(form), f"{path}.{name}")
    return Range(found["minimum"], found["maximum"], found["exclusiveMinimum"], found["exclusiveMaximum"])


def _bound(written: str, form: TemporalForm) -> int | None:
    """A bound in the field's own form or in ISO 8601, with or without an offset."""
    free = replace(form, offset=None)
    plain = default_form(form.kind, default_offset_s=form.default_offset_s)
    # In a bound, unlike in a record, a blank for the `T` harms nobody.
    for spelling, candidate in ((written, free), (written.replace(" ", "T", 1), plain)):
        value = parse_temporal(spelling, candidate)
        if not isinstance(value, TemporalReason):
            return value
    if form.kind is TemporalKind.TIMESTAMP:  # a day alone bounds a timestamp by its midnight
        value = parse_temporal(f"{written}T00:00:00", plain)
        return None if isinstance(value, TemporalReason) else value
    return None


def _bound_hint(form: TemporalForm) -> str:
    examples = {
        TemporalKind.DATE: "2024-01-31",
        TemporalKind.TIME: "23:59:59",
        TemporalKind.TIMESTAMP: "2024-01-31T23:59:59Z",
    }
    return f"Example: {examples[form.kind]}."


TEMPORAL_TYPES = frozenset({LogicalType.DATE, LogicalType.TIMESTAMP, LogicalType.TIME})
