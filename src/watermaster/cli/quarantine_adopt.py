"""`quarantine adopt`: a dead-letter topic that somebody else writes becomes a quarantine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.errors import ExitCode
from watermaster.cli.gate_choice import YesOption
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, plain, say, show_json, show_table
from watermaster.cli.quarantine_rebuild import rebuild_named
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.quarantine.letter import Dialect, PlainMapping
    from watermaster.runtime.configuration import Configuration, QuarantineConfiguration
    from watermaster.wiring.adopt import AdoptionPlan

_MAPPED: Final = ("topic", "partition", "offset", "holder", "stage", "exception", "trace", "fixed_topic")
_SHOWN_MAX: Final = 10


def register(app: typer.Typer) -> None:
    """Add the command to those of `quarantine`."""
    app.command("adopt")(_adopt)


def _adopt(
    topic: Annotated[
        str,
        typer.Argument(help="A dead-letter topic, or the name of a configured quarantine; with --rebuild, or gate."),
    ] = "",
    name: Annotated[str, typer.Option(help="What to call it; the topic's name if it is left out.")] = "",
    cluster: Annotated[str | None, typer.Option(help="Which cluster; not needed if there is one.")] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="A topic whose failed records lie there; repeatable.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="Where replays of that source write; one for each --source.")
    ] = None,
    contract: Annotated[
        str, typer.Option(help="The contract that judges replays, where no gate has the source; below `contracts`.")
    ] = "",
    dialect: Annotated[
        str, typer.Option(help="connect, streams, spring, share-group, rule or plain; as each record says without.")
    ] = "",
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", help="Of a plain topic: what a header means, as topic=HEADER, offset=HEADER …"),
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Make the index of its held records in the database anew, and nothing else."),
    ] = False,
    config: ConfigOption = Path("watermaster.yaml"),
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Look at a dead-letter topic that others write, and with --yes adopt it as a quarantine.

    Reads the newest letters: which convention they follow, how many name their source and still have their original
    there, and what a replay would need. With --yes it creates the topic of their states and adds the quarantine to the
    configuration. The dead-letter topic itself is never written.

    With --rebuild the facts of held records in the database, a gate's too, are thrown away and read anew from Kafka.
    From then on `groups`, `list` and `show` answer from them.
    """
    from watermaster.adapters.files.configuration_file import load_configuration

    configuration = load_configuration(config)
    wish = _Wish(name, cluster, _sources(source or [], target or [], contract), dialect, tuple(mapped or ()))
    if rebuild:
        rebuild_named(configuration, topic, output, is_alone=wish.is_empty)
        return ExitCode.OK
    if not topic:
        raise UsageFault("WM-USAGE", "no topic is named", hint="`quarantine adopt TOPIC` looks at a dead-letter topic.")
    return _adopt_as(configuration, topic, wish, environment, output, yes=yes)


def _adopt_as(
    configuration: Configuration,
    topic: str,
    wish: _Wish,
    environment: str | None,
    output: OutputFormat,
    *,
    yes: bool,
) -> int:
    from watermaster.wiring.adopt import carry_out_adoption, plan_adoption

    adopted = _configured(configuration, topic, wish) or _wished(configuration, topic, wish)
    plan = plan_adoption(configuration, adopted)
    if yes:
        action = f"adopt {adopted.topic} as {adopted.name}" + (f", create {adopted.holds}" if plan.creates else "")
        name_environment(configuration.clusters[adopted.cluster], environment, [action])
        carry_out_adoption(configuration, plan)
    if output is OutputFormat.JSON:
        show_json({**_document(plan), "adopted": yes})
    else:
        _show(plan, done=yes)
    return ExitCode.FINDINGS if plan.look.has_problems else ExitCode.OK


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the options say."""

    name: str
    cluster: str | None
    sources: list[dict[str, str]]
    dialect: str
    mapped: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.cluster or self.sources or self.dialect or self.mapped)


def _sources(sources: list[str], targets: list[str], contract: str) -> list[dict[str, str]]:
    if len(sources) != len(targets):
        raise UsageFault(
            "WM-USAGE",
            "each --source needs its --target",
            hint="Name the topic that failed, and the retry or repair topic that the application reads too.",
        )
    if contract and not sources:
        raise UsageFault("WM-USAGE", "--contract judges a --source", hint="Name the source and its target.")
    return [{"topic": s, "target": t, "contract": contract} for s, t in zip(sources, targets, strict=True)]


def _configured(configuration: Configuration, topic: str, wished: _Wish) -> QuarantineConfiguration | None:
    """What is adopted already, by its name or topic, if nothing else is said."""
    if not wished.is_empty:
        return None
    found = configuration.quarantines.get(topic)
    by_topic = [adopted for adopted in configuration.quarantines.values() if adopted.topic == topic]
    return found or (by_topic[0] if len(by_topic) == 1 else None)


def _wished(configuration: Configuration, topic: str, wished: _Wish) -> QuarantineConfiguration:
    from pydantic import TypeAdapter, ValidationError

    from watermaster.runtime.configuration import QuarantineConfiguration
    from watermaster.wiring.observation import one_cluster

    try:
        return TypeAdapter(QuarantineConfiguration).validate_python(
            {
                "name": wished.name or topic,
                "cluster": one_cluster(configuration, wished.cluster),
                "topic": topic,
                "sources": wished.sources,
                "dialect": _dialect(wished.dialect),
                "mapping": _mapping(wished.mapped),
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UsageFault("WM-USAGE", f"{where}: {first['msg']}", hint="Names are as Kafka has them.") from None


def _dialect(name: str) -> Dialect | None:
    from watermaster.quarantine.letter import Dialect

    known = [dialect.value for dialect in Dialect]
    if name and name not in known:
        raise UsageFault("WM-USAGE", f"there is no dialect {name!r}", hint=f"Use {', '.join(known)}.")
    return Dialect(name) if name else None


def _mapping(mapped: tuple[str, ...]) -> PlainMapping:
    from watermaster.quarantine.letter import PlainMapping

    said = PlainMapping()
    for text in mapped:
        meaning, equals, header = text.partition("=")
        if meaning not in _MAPPED or not equals or not header:
            raise UsageFault(
                "WM-USAGE", "a --map is not as topic=HEADER", hint=f"Left of = stands one of {', '.join(_MAPPED)}."
            )
        said = replace(said, **{meaning: header})  # type: ignore[arg-type]  # all of these are texts
    return said


def _show(plan: AdoptionPlan, *, done: bool) -> None:
    from watermaster.adapters.files.configuration_entry import quarantine_entry

    look, adopted = plan.look, plan.adopted
    say(f"{look.topic}: up to {look.standing} records in {look.partitions} partitions; looked at {look.looked_at}.")
    rows: list[tuple[object, ...]] = [
        ("convention", ", ".join(f"{d.value} {count}" for d, count in look.dialects.most_common()) or "-"),
        ("given up by", _most(dict(look.holders.most_common(_SHOWN_MAX)))),
        ("sources", _most(dict(look.sources.most_common(_SHOWN_MAX)))),
        ("do not name their source", look.without_coordinates),
        ("originals still in the source", look.originals),
    ]
    show_table("The newest letters", ("what", "found"), rows)
    for topic, judge in plan.contracts.items():
        say(f"Replays of {topic} are judged by {judge}.")
    for finding in look.findings:
        say(f"{finding.weight.value}: {finding.message}." + (f" {finding.hint}" if finding.hint else ""))
    rows = [(rule.operation, rule.kind.value, rule.name + "*" * rule.prefixed, rule.why) for rule in plan.permissions]
    show_table("What who looks after it needs", ("permission", "on", "name", "for"), rows)
    if done:
        say(f"{adopted.topic} is adopted: `watermaster quarantine groups --quarantine {adopted.name}`")
        return
    if not plan.is_configured:
        say("This would be added to the configuration:")
        say(f"quarantines:\n{quarantine_entry(adopted).rstrip()}")
    if plan.creates is not None:
        say(f"The topic {adopted.holds} would be created, compacted, for what becomes of the letters.")
    if not plan.is_configured or plan.creates is not None:
        say("Add --yes to do it.")


def _most(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"


def _document(plan: AdoptionPlan) -> dict[str, Any]:
    look = plan.look
    return {
        "name": plan.adopted.name,
        "topic": look.topic,
        "partitions": look.partitions,
        "standing_max": look.standing,
        "looked_at": look.looked_at,
        "dialects": {dialect.value: count for dialect, count in look.dialects.items()},
        "sources": dict(look.sources),
        "holders": dict(look.holders),
        "unread": dict(look.unread),
        "without_coordinates": look.without_coordinates,
        "without_payload": look.without_payload,
        "originals": look.originals,
        "contracts": plan.contracts,
        "permissions": [str(rule) for rule in plan.permissions],
        "findings": plain(look.findings),
        "configured": plan.is_configured,
        "creates": plan.adopted.holds if plan.creates is not None else None,
    }
