"""`quarantine replay` and `quarantine discard`: the plan is the dry run, and `--yes` carries it out."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watermaster.cli.environment import EnvironmentOption, name_environment
from watermaster.cli.errors import ExitCode
from watermaster.cli.gate_choice import YesOption
from watermaster.cli.output import ConfigOption, OutputFormat, OutputOption, say, show_json, show_table
from watermaster.cli.quarantine_choice import QuarantineOption, choose_quarantine
from watermaster.cli.quarantine_fix import load_fix, show_difference
from watermaster.cli.quarantine_options import (
    ContractOption,
    GroupsOption,
    OffsetsOption,
    PartitionsOption,
    RulesOption,
    SinceOption,
    StreamOption,
    UntilOption,
    WhyOption,
    selection_of,
)
from watermaster.stream.fault import UsageFault

if TYPE_CHECKING:
    from watermaster.runtime.configuration import StreamConfiguration
    from watermaster.runtime.replay_plan import ReplayPlan
    from watermaster.runtime.replay_tally import ReplayTally
    from watermaster.wiring.quarantine import QuarantineDesk
    from watermaster.wiring.replay import ReplayWish

_PROGRESS_EVERY_S = 1.0


def register(app: typer.Typer) -> None:
    """Add the verbs to the commands of `quarantine`."""
    app.command("replay")(_replay)
    app.command("discard")(_discard)


def _replay(
    gate: QuarantineOption = None,
    stream: StreamOption = None,
    group: GroupsOption = None,
    rule: RulesOption = None,
    partition: PartitionsOption = None,
    offset: OffsetsOption = None,
    contract: ContractOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that is open; needed if nothing is chosen.")] = False,
    fix: Annotated[
        Path | None,
        typer.Option("--fix", help="Mend what this document (*.fix.yaml) selects, and only that."),
    ] = None,
    order: Annotated[
        str, typer.Option(help="warn, skip (stale keys stay held), or repair (write to --repair-topic).")
    ] = "warn",
    repair_topic: Annotated[str, typer.Option("--repair-topic", help="Where --order repair writes to.")] = "",
    attempts_max: Annotated[
        int, typer.Option("--attempts-max", min=1, max=1000, help="Leave out what was replayed so often already.")
    ] = 10,
    rate: Annotated[float, typer.Option(min=0, help="Records a second at most; 0 is without a limit.")] = 0.0,
    why: WhyOption = "",
    config: ConfigOption = Path("watermaster.yaml"),
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Judge held records by the contract now in force; with --yes write what passes to the trusted topic, once.

    Without --yes nothing is written: the plan says how many records match, how many would pass, what still breaks,
    and which keys already have newer records downstream. With --fix it also shows what changes in a few of them; what
    the fix selects counts as chosen. A replay may be interrupted and run again at any time.
    """
    from watermaster.quarantine.fix.document import FixSelection
    from watermaster.wiring.replay import OrderPolicy, ReplayWish

    selection = selection_of(group, rule, partition, offset, contract, since, until)
    remedy = None if fix is None else load_fix(fix)
    is_chosen = not selection.is_everything or (remedy is not None and remedy.selection != FixSelection())
    _refuse_everything(every or is_chosen)
    if order not in list(OrderPolicy):
        raise UsageFault("WM-USAGE", f"there is no order policy {order!r}", hint="Use warn, skip or repair.")
    if (order == OrderPolicy.REPAIR) != bool(repair_topic):
        raise UsageFault(
            "WM-USAGE", "--order repair and --repair-topic belong together", hint="Name the topic, or leave both out."
        )
    wish = ReplayWish(
        selection=selection,
        remedy=remedy,
        policy=OrderPolicy(order),
        repair_topic=repair_topic,
        attempts_max=attempts_max,
        rate_max=rate,
        why=why,
    )
    return _ask_or_carry_out(config, gate, stream, wish, yes=yes, environment=environment, output=output)


def _discard(
    gate: QuarantineOption = None,
    stream: StreamOption = None,
    group: GroupsOption = None,
    rule: RulesOption = None,
    partition: PartitionsOption = None,
    offset: OffsetsOption = None,
    contract: ContractOption = "",
    since: SinceOption = None,
    until: UntilOption = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that is open; needed if nothing is chosen.")] = False,
    why: WhyOption = "",
    config: ConfigOption = Path("watermaster.yaml"),
    yes: YesOption = False,
    environment: EnvironmentOption = None,
    output: OutputOption = OutputFormat.TABLE,
) -> int:
    """Give held records up for good, with a reason; their bytes stay until retention deletes them."""
    from watermaster.quarantine.lifecycle import Step
    from watermaster.wiring.replay import ReplayWish

    selection = selection_of(group, rule, partition, offset, contract, since, until)
    _refuse_everything(every or not selection.is_everything)
    if yes and not why:
        raise UsageFault("WM-DISCARD-WHY", "a discard needs a reason", hint="Say --why in a few words.")
    wish = ReplayWish(selection=selection, step=Step.DISCARD, why=why)
    return _ask_or_carry_out(config, gate, stream, wish, yes=yes, environment=environment, output=output)


def _refuse_everything(is_meant: bool) -> None:
    if not is_meant:
        raise UsageFault(
            "WM-QUARANTINE-ALL",
            "no record is chosen",
            hint="Choose with --group, --rule, --since … (see `quarantine groups`), or say --all.",
        )


def _ask_or_carry_out(
    config: Path,
    gate: str | None,
    stream: str | None,
    wish: ReplayWish,
    *,
    yes: bool,
    environment: str | None,
    output: OutputFormat,
) -> int:
    from watermaster.adapters.files.configuration_file import load_configuration
    from watermaster.wiring.approval import needs_second_person
    from watermaster.wiring.quarantine import choose_streams, open_desk

    configuration = load_configuration(config)
    with open_desk(configuration, choose_quarantine(configuration, gate)) as desk:
        cluster = configuration.clusters[desk.gate.cluster]
        if yes:
            name_environment(cluster, environment, [f"{wish.step.value} held records of {stream or 'all streams'}"])
        streams = choose_streams(desk.gate, stream)
        return carry_out(desk, wish, streams, yes=yes, output=output, asks=needs_second_person(cluster, wish))


def carry_out(
    desk: QuarantineDesk,
    wish: ReplayWish,
    streams: Sequence[StreamConfiguration],
    *,
    yes: bool,
    output: OutputFormat,
    asks: bool = False,
) -> int:
    """Show the plan, and with `yes` carry it out; or, if it `asks`, write it down for a second person."""
    from watermaster.wiring.approval import ask
    from watermaster.wiring.replay import ReplayDesk

    replay = ReplayDesk(desk, wish, streams, desk.contracts())
    plans = list(replay.plans())
    if output is OutputFormat.TABLE:
        for plan in plans:
            show_plan(plan, wish)
    tally = replay.run(_Progress().show) if yes and not asks else None
    request = ask(desk, wish, streams) if yes and asks else None
    if output is OutputFormat.JSON:
        documents = [plan_document(plan) for plan in plans]
        show_json({"plans": documents, "done": tally and tally_document(tally), "request": request and request.id})
    elif tally is not None:
        _show_tally(tally, wish)
    elif request is not None:
        say(f"This is production: somebody else has to approve it. `watermaster quarantine approve {request.id}`")
    else:
        say(f"Add --yes to {wish.step.value} them.")
    return ExitCode.OK


def show_plan(plan: ReplayPlan, wish: ReplayWish) -> None:
    """The dry run for people."""
    from watermaster.quarantine.lifecycle import Step

    if wish.step is not Step.REPLAY:
        say(f"{plan.quarantine}: {plan.matched} records are chosen.")
        return
    say(
        f"{plan.quarantine}: {plan.matched} records match; {plan.passing} would pass activation {plan.activation} "
        f"and be written to {plan.target}."
    )
    rows = [(fate.value, count) for fate, count in plan.tally.fates.most_common()]
    if rows:
        show_table("What becomes of them", ("fate", "records"), rows)
    if plan.tally.rules:
        show_table("What still breaks", ("rule", "records"), plan.tally.rules.most_common(20))
    _show_mending(plan, wish)
    _show_stale(plan)


def _show_mending(plan: ReplayPlan, wish: ReplayWish) -> None:
    from watermaster.quarantine.fix.difference import difference

    if wish.remedy is None:
        return
    say(f"{plan.tally.fixed} of those that would pass are changed by {wish.remedy.label}.")
    for trouble, count in plan.troubles.most_common(5):
        say(f"  The fix cannot be applied to {count}: {trouble}")
    for judged in [*plan.samples, *plan.failing]:
        if judged.before is not None and judged.after is not None and judged.fix:
            key = judged.held.key
            say(f"\n{judged.held.stream}[{key.partition}] offset {key.offset}: {judged.fate.value}")
            show_difference(difference(judged.before, judged.after, plan.checks))
    say()


def _show_stale(plan: ReplayPlan) -> None:
    from watermaster.runtime.judged import Fate

    stale = plan.tally.stale + plan.tally.fates[Fate.STALE]
    if stale:
        places = ", ".join(f"{j.held.stream}[{j.held.key.partition}]@{j.held.key.offset}" for j in plan.stale_samples)
        say(
            f"{stale} of them have a key of which {plan.target} already holds a newer record, for instance {places}. "
            "A reader that keeps the newest value of a key would go back in time: --order skip leaves them held."
        )


def plan_document(plan: ReplayPlan) -> dict[str, Any]:
    """The dry run for scripts; no value of a record is in it."""
    return {
        "stream": plan.stream,
        "quarantine": plan.quarantine,
        "target": plan.target,
        "activation": plan.activation,
        "contract": plan.contract,
        "matched": plan.matched,
        "passing": plan.passing,
        **tally_document(plan.tally),
        "troubles": dict(plan.troubles),
    }


def tally_document(tally: ReplayTally) -> dict[str, Any]:
    """Counts by fate and by broken rule."""
    return {
        "fates": {fate.value: count for fate, count in tally.fates.items()},
        "rules": dict(tally.rules),
        "fixed": tally.fixed,
        "stale": tally.stale,
        "transactions": tally.transactions,
        "seconds": round(tally.seconds, 3),
    }


def _show_tally(tally: ReplayTally, wish: ReplayWish) -> None:
    from watermaster.quarantine.lifecycle import Step
    from watermaster.runtime.judged import Fate

    if wish.step is Step.REPLAY:
        say(
            f"Replayed {tally.fates[Fate.PASSES]} records in {tally.seconds:.1f} s; {tally.fates[Fate.FAILS]} still "
            "break the contract and stay held with one attempt more."
        )
    else:
        say(f"Done for {tally.fates[Fate.CHOSEN]} records: {wish.step.value}.")


class _Progress:
    """One line on a terminal's standard error, renewed each second."""

    def __init__(self) -> None:
        self._began_s = self._shown_s = time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    def show(self, tally: ReplayTally) -> None:
        now_s = time.monotonic()
        if self._is_terminal and now_s - self._shown_s >= _PROGRESS_EVERY_S:
            self._shown_s = now_s
            total = tally.fates.total()
            rate = total / max(0.001, now_s - self._began_s)
            sys.stderr.write(f"\r{total:,} records in {tally.transactions:,} transactions, {rate:,.0f}/s\033[K\r")
            sys.stderr.flush()
