"""`watermaster contract show`: what a contract asks, in plain words."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from watermaster.cli.contract_file import FileArgument, StreamOption, read_document
from watermaster.cli.output import OutputFormat, OutputOption, say, show_json, show_table

if TYPE_CHECKING:
    from watermaster.contract.checks import Checks
    from watermaster.contract.outline import Outline


def show(file: FileArgument, stream: StreamOption = None, output: OutputOption = OutputFormat.TABLE) -> None:
    """Say in plain words what must hold of each field, what breaking it does, and what is not judged.

    All streams of the contract, or the one that --stream names. Lanes say how records are judged, which changes the
    speed and never the verdict.
    """
    from watermaster.contract.outline import outline
    from watermaster.wiring.contract import compile_checks, compile_streams

    document, source = read_document(file), str(file)
    chosen = compile_streams(document, source) if stream is None else (compile_checks(document, source, stream),)
    outlines = [(outline(checks), _lanes(checks)) for checks in chosen]
    if output is OutputFormat.JSON:
        show_json({"file": source, "streams": [{**asdict(one), "lanes": lanes} for one, lanes in outlines]})
        return
    for one, lanes in outlines:
        _show(one, lanes)


def _lanes(checks: Checks) -> list[str]:
    from watermaster.gate.lane_choice import choose_lanes, describe_lanes

    return describe_lanes(choose_lanes(checks))


def _show(one: Outline, lanes: list[str]) -> None:
    owner = f", owned by {one.owner}" if one.owner else ", owned by nobody"
    say(f"{one.contract_id} {one.version} for {one.stream}{owner}")
    for sentence in one.record:
        say(f"  {sentence}")
    say()
    _show_fields(one)
    _show_rules(one)
    for sentence in (one.budget, *lanes):
        say(sentence)
    for sentence in one.unjudged:
        say(f"Not judged: {sentence}")
    say()


def _show_fields(one: Outline) -> None:
    if not one.fields:
        return
    show_table(
        "Fields",
        ("field", "must be there", "what it is", "what must hold", "what breaks it", "class"),
        [
            (
                field.path,
                "yes" if field.required else "no",
                field.type,
                ", ".join(field.asks),
                field.breaking_it,
                field.classification or "",
            )
            for field in one.fields
        ],
    )
    say()


def _show_rules(one: Outline) -> None:
    if not one.rules:
        return
    show_table(
        "Rules across fields",
        ("rule", "severity", "what breaks it", "what must hold"),
        [(rule.id, rule.severity, rule.breaking_it, rule.asks) for rule in one.rules],
    )
    say()
