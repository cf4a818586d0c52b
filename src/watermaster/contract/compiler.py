"""A contract document compiled into `Checks`, one for each of its streams. A function of the document alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watermaster.contract.assertion_compiler import compile_assertions
from watermaster.contract.cadence import cadence_ms
from watermaster.contract.checks import Checks, Encoding
from watermaster.contract.document import ReadResult
from watermaster.contract.extension import (
    check_extensions,
    hold_budget,
    limits,
    read_extensions,
    record_key,
    tombstone_policy,
    unknown_fields,
    value_encoding,
)
from watermaster.contract.fields import Element, compile_field
from watermaster.contract.findings import Findings, mapping, mappings, text
from watermaster.contract.official_schema import RECORD_KEY
from watermaster.contract.problem import Problem, ProblemCode, quoted, suggest
from watermaster.contract.rules import compile_rules
from watermaster.contract.yaml_text import Json

_FORMATS = {"json": Encoding.JSON, "avro": Encoding.AVRO}
"""Of a Kafka server, as far as we judge them."""
_UTF8_NAMES = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


@dataclass(frozen=True, slots=True)
class CompileResult:
    """The checks of each stream, in the order of the document; empty if there is any problem."""

    checks: tuple[Checks, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def compile_contract(document: ReadResult, stream: str | None = None) -> CompileResult:
    """Compile every stream of a contract, or the one that `stream` names (its `physicalName`, else its `name`).

    The problems of reading come first: a document that has some is not compiled.
    """
    if document.problems:
        return CompileResult(problems=document.problems)
    findings = Findings(document)
    check_extensions(findings)
    written = _check_servers(findings)
    elements = _select(stream_elements(findings), stream, findings)
    checks = tuple(_compile_stream(element, findings, written) for element in elements)
    problems = sorted(dict.fromkeys(findings.problems), key=lambda problem: (problem.line or 0, problem.column or 0))
    return CompileResult(problems=tuple(problems)) if problems else CompileResult(checks)


def stream_elements(findings: Findings) -> list[Element]:
    """The schema objects as elements; the name of each is that of its stream."""
    streams: dict[str, Element] = {}
    for index, node in enumerate(mappings(findings.read.document.get("schema"))):
        name = text(node.get("physicalName")) or text(node.get("name")) or ""
        place = f"$.schema[{index}]"
        if name in streams:
            message = f"two schema objects describe the stream {quoted(name)}"
            findings.problem(ProblemCode.NAME_CLASH, message, "Keep one of them.", place)
        streams.setdefault(name, Element(node, name, "$", place))
    if not streams:
        message = "the contract describes no stream"
        hint = "Add `schema:` with an object whose `physicalName` is the topic."
        findings.problem(ProblemCode.NO_SCHEMA, message, hint, "$.schema")
    return list(streams.values())


def root_element(stream: Element) -> Element:
    """The whole value of a stream: a record is an object, always there, whether or not the contract repeats it."""
    return Element({**stream.node, "logicalType": "object", "required": True}, stream.name, "$", stream.place)


def _select(streams: list[Element], wanted: str | None, findings: Findings) -> list[Element]:
    if wanted is None or not streams:
        return streams
    for names in ([element.name for element in streams], [text(element.node.get("name")) for element in streams]):
        if wanted in names:
            return [streams[names.index(wanted)]]
    message = f"the contract describes no stream {quoted(wanted)}"
    hint = suggest(wanted, [element.name for element in streams])
    findings.problem(ProblemCode.UNKNOWN_STREAM, message, hint, "$.schema")
    return []


def _compile_stream(element: Element, findings: Findings, written: Encoding) -> Checks:
    """The checks of one schema object. What is unjudged is its own, though all streams share the problems."""
    document = findings.read.document
    shared = tuple(findings.unjudged)
    own = Findings(findings.read, findings.problems, list(shared))
    found = read_extensions(element.node, element.place, "schema", own)
    root = root_element(element)
    value = compile_field(root, own)
    key_node = mapping(found.values.get(RECORD_KEY))
    key_rules = (
        compile_rules(Element(key_node, "key", "key", found.places[RECORD_KEY]), own) if key_node.get("quality") else ()
    )
    return Checks(
        contract_id=text(document.get("id")) or "",
        contract_version=text(document.get("version")) or "",
        content_hash=findings.read.content_hash,
        stream=element.name,
        value=value,
        key=record_key(found, own),
        encoding=value_encoding(found, written),
        rules=compile_rules(root, own) + key_rules,
        tombstone=tombstone_policy(found),
        unknown_fields=unknown_fields(found),
        limits=limits(found),
        hold_budget=hold_budget(found, own),
        owner=owner(document),
        assertions=compile_assertions(root, own),
        cadence_ms=cadence_ms(own),
        unjudged=tuple(own.unjudged),
    )


def _check_servers(findings: Findings) -> Encoding:
    """How records are written by the contract's Kafka servers: those of one contract may be of several formats.

    What none of them writes in a format that we read, or in UTF-8, would all be held.
    """
    servers = [
        (node, f"$.servers[{index}]")
        for index, node in enumerate(mappings(findings.read.document.get("servers")))
        if node.get("type") == "kafka"
    ]
    if not servers:
        return Encoding.JSON
    node, place = servers[0]
    known = [_FORMATS.get((text(server.get("format")) or Encoding.JSON.value).casefold()) for server, _ in servers]
    if not any(known):
        message = f"the records of this contract are {quoted(node.get('format'))}, and only JSON and Avro are judged"
        hint = "Write `format: json` or `format: avro` if they are."
        findings.problem(ProblemCode.ENCODING, message, hint, f"{place}.format")
    if all((text(server.get("encoding")) or "utf-8").casefold() not in _UTF8_NAMES for server, _ in servers):
        message = f"the records of this contract are written in {quoted(node.get('encoding'))}, and JSON is UTF-8"
        findings.problem(ProblemCode.ENCODING, message, "Write `encoding: UTF-8` if they are.", f"{place}.encoding")
    return Encoding.JSON if Encoding.JSON in known else Encoding.AVRO


def owner(document: Mapping[str, Json]) -> str | None:
    """Whose the contract is: the team's name, else a member in an owner's role, else the first member, else a role."""
    team = document.get("team")
    if isinstance(team, dict) and text(team.get("name")):
        return text(team.get("name"))
    members = mappings(team.get("members") if isinstance(team, dict) else team)
    present = [member for member in members if "dateOut" not in member]
    in_role = [member for member in present if "owner" in (text(member.get("role")) or "").casefold()]
    for member in (*in_role, *present):
        return text(member.get("name")) or text(member.get("username"))
    roles = [text(role.get("role")) or "" for role in mappings(document.get("roles"))]
    return next((role for role in roles if "owner" in role.casefold()), None)
