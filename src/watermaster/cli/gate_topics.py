"""`watermaster gate topics`: the topics and permissions that enforcement needs; with --yes they are made."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, assert_never

import typer

from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.errors import ExitCode
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, inert, say, show_json, show_table
from watermaster.stream.fault import Fault, UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import ClusterConfiguration
    from watermaster.runtime.topic_acl import AclRule
    from watermaster.runtime.topic_plan import Action, Finding
    from watermaster.wiring.topics import GateTopics

DAY_MS: Final = 86_400_000


class PlanFormat(StrEnum):
    """How the plan is written."""

    PLAN = "plan"
    STRIMZI = "strimzi"
    COMMANDS = "commands"


def register(gate_app: typer.Typer) -> None:
    """Add `gate topics`."""
    gate_app.command("topics")(_topics)


def _topics(
    name: Annotated[str | None, typer.Argument(metavar="GATE", help="Which gate; not needed if there is one.")] = None,
    gate: Annotated[str | None, typer.Option("--gate", "-g", help="The same as the argument.")] = None,
    config: ConfigOption = Path("watermaster.yaml"),
    form: Annotated[
        PlanFormat, typer.Option("--format", help="A plan to read, Strimzi YAML, or commands of Kafka's own tools.")
    ] = PlanFormat.PLAN,
    principal: Annotated[
        str | None, typer.Option(help="Who it is for, as User:name; its ACLs are compared with the cluster's.")
    ] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="Permissions of who looks after the quarantine, not of the gate.")
    ] = False,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="With --operator: may also look at masked values, which is written down.")
    ] = False,
    quarantine_days: Annotated[int, typer.Option(min=1, help="How long held records are kept.")] = 14,
    ledger_days: Annotated[int, typer.Option(min=1, help="How long the ledger is kept; never less.")] = 30,
    kafka: Annotated[str | None, typer.Option("--kafka", help="Strimzi: the name of the Kafka resource.")] = None,
    with_acls: Annotated[bool, typer.Option("--with-acls", help="With --yes: create the missing ACLs too.")] = False,
    environment: EnvironmentOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Create and alter topics; without this only the plan.")] = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Show which topics and permissions enforcement needs, and with --yes create and alter the topics."""
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.cli.gate_choice import choose_gate
    from watermaster.runtime.topic_acl import gate_acls, operator_acls, unmask_acls
    from watermaster.runtime.topic_needs import Retentions
    from watermaster.wiring.topics import look_at_topics

    configuration = load_configuration(config)
    chosen = choose_gate(configuration.gates, name or gate)
    cluster = configuration.clusters[configuration.gates[chosen].cluster]
    who = _principal(principal, with_acls=with_acls)
    more = unmask_acls(cluster.audit) if operator and unmask else ()
    found = look_at_topics(
        configuration,
        chosen,
        principal=who,
        retentions=Retentions(quarantine_days * DAY_MS, ledger_days * DAY_MS),
        needs=lambda gate: (*operator_acls(gate), *more) if operator else gate_acls(gate),
    )
    if form is not PlanFormat.PLAN:
        _write(found, cluster, form, kafka or cluster.name)
        return
    if not yes:
        _show_plan(found, output)
        if found.plan.has_problems:
            raise typer.Exit(ExitCode.FINDINGS)
        return
    _confirm(cluster, environment, found, with_acls=with_acls)
    _apply(found, output, with_acls=with_acls)


def _principal(principal: str | None, *, with_acls: bool) -> str | None:
    if principal is None and with_acls:
        raise UsageFault("WM-TOPICS-PRINCIPAL", "--with-acls needs a principal", hint="Name it: --principal User:gate.")
    if principal is not None and ":" not in principal:
        raise UsageFault(
            "WM-TOPICS-PRINCIPAL",
            f"{principal!r} has no type",
            hint=f"Kafka's principals look like User:{principal or 'name'}.",
        )
    return principal


def _write(found: GateTopics, cluster: ClusterConfiguration, form: PlanFormat, kafka: str) -> None:
    """Text for other tools: nothing but it goes to standard output, findings go to standard error."""
    from watermaster.cli.topic_commands import PRINCIPAL_PLACEHOLDER, Connection, acl_commands, topic_commands

    acls = found.acls
    rules = acls.rules if acls.missing is None or form is PlanFormat.STRIMZI else acls.missing
    who = acls.principal or PRINCIPAL_PLACEHOLDER
    if form is PlanFormat.COMMANDS:
        connection = Connection(cluster.bootstrap, cluster.client_config)
        for line in (*topic_commands(found.plan, connection), *acl_commands(rules, who, connection)):
            sys.stdout.write(line + "\n")
    else:
        import yaml

        from watermaster.cli.topic_strimzi import strimzi_documents

        documents = strimzi_documents(found.plan.topics, rules, who, kafka)
        sys.stdout.write(yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True, width=120))
    for finding in _findings(found):
        sys.stderr.write(f"# {finding.level.value}: {_sentence(finding)}\n")


def _show_plan(found: GateTopics, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        acls = found.acls
        show_json(
            {
                "gate": found.plan.gate,
                "topics": found.plan.topics,
                "actions": [_action_json(action) for action in found.plan.actions],
                "findings": _findings(found),
                "acls": {"principal": acls.principal, "needed": acls.rules, "missing": acls.missing},
            }
        )
        return
    _show_topics(found)
    for action in found.plan.actions:
        say(f"  {_sentence_of(action)}")
    if not found.plan.actions:
        say("The topics are as enforcement needs them." if found.plan.topics else "Nothing can be planned.")
    say()
    _show_acls(found)
    _show_findings(found)
    if found.plan.actions:
        say("Add --yes to do it, or --format commands or strimzi to hand it over.")


def _action_json(action: Action) -> dict[str, object]:
    return {"kind": type(action).__name__, "action": action}


def _show_topics(found: GateTopics) -> None:
    from watermaster.runtime.topic_plan import CreateTopic

    created = {action.topic.name for action in found.plan.actions if isinstance(action, CreateTopic)}
    rows = [
        (
            topic.name,
            topic.role.value,
            topic.partitions,
            topic.replication,
            "missing" if topic.name in created else "there",
        )
        for topic in found.plan.topics
    ]
    show_table(f"What gate {found.plan.gate} needs", ("topic", "role", "partitions", "copies", "now"), rows)


def _show_acls(found: GateTopics) -> None:
    acls = found.acls
    rows = [(str(rule), rule.why, _is_there(rule, acls.missing) if acls.principal else None) for rule in acls.rules]
    whose = acls.principal or "the gate's principal"
    show_table(f"The least that {whose} must be allowed", ("permission", "what for", "granted"), rows)
    if acls.unseen is not None:
        say(f"{acls.unseen}")


def _is_there(rule: AclRule, missing: tuple[AclRule, ...] | None) -> bool | None:
    return None if missing is None else rule not in missing


def _show_findings(found: GateTopics) -> None:
    for finding in _findings(found):
        say(f"{finding.level.value}: {_sentence(finding)}")


def _findings(found: GateTopics) -> tuple[Finding, ...]:
    return (*found.plan.findings, *found.acls.findings)


def _sentence(finding: Finding) -> str:
    return f"{finding.topic} {finding.message}. {finding.hint}".strip()


def _sentence_of(action: Action) -> str:
    from watermaster.runtime.topic_plan import AddPartitions, AlterSettings, CreateTopic

    match action:
        case CreateTopic(topic):
            settings = ", ".join(f"{key}={value}" for key, value in topic.settings.items())
            return f"create {topic.name} ({topic.partitions} partitions, {topic.replication} copies; {settings})"
        case AddPartitions(name, before, total):
            return f"grow {name} from {before} to {total} partitions"
        case AlterSettings(name, changes):
            return f"alter {name}: " + "; ".join(f"{c.key} {c.before} -> {c.value} ({c.why})" for c in changes)
        case _:
            assert_never(action)


def _confirm(cluster: ClusterConfiguration, environment: str | None, found: GateTopics, *, with_acls: bool) -> None:
    actions = [_sentence_of(action) for action in found.plan.actions]
    if with_acls and found.acls.missing != ():
        actions.append("add ACLs")
    name_environment(cluster, environment, actions)


def _apply(found: GateTopics, output: OutputFormat, *, with_acls: bool) -> None:
    outcomes: list[tuple[str, Fault | None]] = []

    def told(sentence: str, fault: Fault | None) -> None:
        outcomes.append((sentence, fault))
        if output is OutputFormat.TABLE:
            say(f"done: {sentence}" if fault is None else f"FAILED: {sentence}: {inert(str(fault))}\n  {fault.hint}")

    found.apply(lambda action, fault: told(_sentence_of(action), fault))
    if with_acls:
        for rule, fault in found.grant().items():
            told(f"allow {found.acls.principal} {rule}", fault)
    if output is OutputFormat.JSON:
        show_json([{"action": sentence, "failed": str(fault) if fault else None} for sentence, fault in outcomes])
    elif not outcomes:
        say("Nothing to do: everything is as enforcement needs it.")
    if output is OutputFormat.TABLE:
        _show_findings(found)
    if any(fault is not None for _, fault in outcomes) or found.plan.has_problems:
        raise typer.Exit(ExitCode.FINDINGS)
