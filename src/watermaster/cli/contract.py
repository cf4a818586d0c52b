"""`watermaster contract`: draft a contract, read it, say what it asks, and put it in force."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watermaster.cli.contract_diff import diff
from watermaster.cli.contract_export import export
from watermaster.cli.contract_file import read_document
from watermaster.cli.contract_import import import_
from watermaster.cli.contract_infer import infer
from watermaster.cli.contract_lint import lint
from watermaster.cli.contract_samples import try_samples
from watermaster.cli.contract_schema import schema
from watermaster.cli.contract_show import show
from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.gate_choice import YesOption
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, say, show_json, show_table

if TYPE_CHECKING:
    from watermaster.runtime.activate import ActivationPlan


def register(app: typer.Typer) -> None:
    """Add `contract` and what belongs to it."""
    contract_app = typer.Typer(
        help="Contracts: draft them from records or schemas, check them, read them in plain words, put them in force.",
        no_args_is_help=True,
    )
    contract_app.command("infer")(infer)
    contract_app.command("import")(import_)
    contract_app.command("lint")(lint)
    contract_app.command("show")(show)
    contract_app.command("test")(try_samples)
    contract_app.command("diff")(diff)
    contract_app.command("export")(export)
    contract_app.command("schema")(schema)
    contract_app.command("activate")(_activate)
    contract_app.command("activations")(_activations)
    app.add_typer(contract_app, name="contract")


def _activate(
    stream: Annotated[str, typer.Argument(help="The landing or trusted topic of a gate.")],
    config: ConfigOption = Path("watermaster.yaml"),
    file: Annotated[Path | None, typer.Option(help="Another document than the configured one.")] = None,
    rollback_to: Annotated[
        int | None, typer.Option("--rollback-to", help="Put the contract of this earlier activation in force again.")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason, for the record.")] = "",
    environment: EnvironmentOption = None,
    yes: YesOption = False,
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """Judge recent records by the new contract, show whose verdict changes, and with --yes put it in force."""
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring import activation

    configuration = load_configuration(config)
    document = read_document(file) if file is not None else None
    plan = activation.plan(configuration, stream, document=document, rollback_to=rollback_to, why=why)
    write = yes and not plan.already_in_force
    if write:
        chosen = plan.activation
        action = f"put {chosen.contract_id} {chosen.contract_version} in force for {chosen.stream}"
        name_environment(activation.cluster_of(configuration, stream), environment, [action])
        activation.write(configuration, plan)
    if output is OutputFormat.JSON:
        show_json({"activation": _plain(plan), "changes": plan.changes, "written": write})
    else:
        _show_plan(plan, written=write)


def _plain(plan: ActivationPlan) -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(plan.activation))


def _show_plan(plan: ActivationPlan, *, written: bool) -> None:
    activation, changes = plan.activation, plan.changes
    if plan.already_in_force and plan.previous is not None:
        say(f"This contract is in force for {activation.stream} already (activation {plan.previous.number}).")
        return
    before = f"activation {plan.previous.number}" if plan.previous is not None else "no contract"
    say(f"{activation.stream}: {activation.contract_id} {activation.contract_version} after {before}")
    show_table(
        f"On the last {changes.records} records",
        ("held before", "held after", "newly held", "newly passed"),
        [(changes.held_before, changes.held_after, changes.newly_held, changes.newly_passed)],
    )
    if changes.reasons:
        show_table("Why records would newly be held", ("rule", "records"), changes.reasons.most_common(20))
        say("For instance " + ", ".join(changes.examples))
    if changes.unseen is not None:
        say(f"Not everything could be compared: {changes.unseen}")
    if written:
        say(f"Activation {activation.number} is in force.")
    else:
        say(f"Add --yes to write activation {activation.number}.")


def _activations(
    stream: Annotated[str, typer.Argument(help="The landing or trusted topic of a gate.")],
    config: ConfigOption = Path("watermaster.yaml"),
    output: OutputOption = OutputFormat.TABLE,
) -> None:
    """List the activations of a stream; the last one is in force."""
    import msgspec

    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring import activation

    known = activation.activations(load_configuration(config), stream)
    if output is OutputFormat.JSON:
        show_json([msgspec.to_builtins(one) for one in known])
        return
    show_table(
        f"Activations of {stream}",
        ("number", "contract", "version", "by", "at", "why", "hash"),
        [
            (
                one.number,
                one.contract_id,
                one.contract_version,
                one.by,
                datetime.fromtimestamp(one.at_ms / 1000, UTC).isoformat(timespec="seconds"),
                one.why,
                one.contract[:19],
            )
            for one in known
        ],
    )
