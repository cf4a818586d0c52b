"""What the demonstration mends: flights whose midnight is written 2400, fixed, replayed, and proved by the auditor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import resources
from typing import Final

from watermaster.auditor.finding import AuditVerdict
from watermaster.auditor.report import AuditMode, AuditReport
from watermaster.auditor.sample import Sample
from watermaster.quarantine.fingerprint import fingerprint
from watermaster.quarantine.fix.difference import DifferenceLine, difference
from watermaster.quarantine.fix.document import Fix, read_fix
from watermaster.quarantine.lifecycle import ENDS
from watermaster.quarantine.selection import Selection
from watermaster.runtime.demo import Audience, grouped
from watermaster.runtime.demo_holds import HoldGroup, Mending
from watermaster.runtime.judged import Fate
from watermaster.runtime.replay_plan import ReplayPlan
from watermaster.stream.fault import InternalFault
from watermaster.wiring.audit import open_auditor
from watermaster.wiring.demo_cluster import DemoScene
from watermaster.wiring.quarantine import QuarantineDesk, walk_held
from watermaster.wiring.replay import ReplayDesk, ReplayWish

FIX: Final = "midnight.fix.yaml"
SETTLE_S: Final = 1.0


def mend_midnight(
    scene: DemoScene, desk: QuarantineDesk, groups: Sequence[HoldGroup], audience: Audience
) -> Mending | None:
    """Dry run, replay and audit; None where no flight is held for its midnight."""
    fix = shipped_fix()
    wish = ReplayWish(Selection(), remedy=fix, why="midnight is 0 of the new day")
    replay = ReplayDesk(desk, wish, (scene.stream,), desk.contracts())
    with audience.step("Mend one problem by a document") as step:
        (plan,) = replay.plans()
        step.result(f"{fix.label}: {grouped(plan.matched)} records match, {grouped(plan.passing)} would pass")
    passing = [judged for judged in plan.samples if judged.fix]
    if not passing:
        return None
    with audience.step("Replay and audit") as step:
        replayed = replay.run(lambda _: None).fates[Fate.PASSES]
        report = _audit(scene, fix)
        step.result(f"{grouped(replayed)} records written to {plan.target}, once")
    return _mending(fix, plan, report, _open(scene, desk), groups, replayed)


def shipped_fix() -> Fix:
    """The fix of the package."""
    read = read_fix(resources.files("watermaster").joinpath("demo_data", FIX).read_bytes(), FIX)
    if read.fix is None:
        raise InternalFault("WM-DEMO-FIX", "the shipped fix cannot be read", hint="Report this.")
    return read.fix


def _audit(scene: DemoScene, fix: Fix) -> AuditReport:
    sample = Sample(AuditMode.FULL)
    with open_auditor(scene.configuration, scene.gate.name, sample, fixes=[fix], settle_s=SETTLE_S) as auditor:
        return auditor.round()


def _open(scene: DemoScene, desk: QuarantineDesk) -> Counter[str]:
    """Held records that nothing has become of, by fingerprint."""
    found = walk_held(desk, (scene.stream,), Selection())
    return Counter(fingerprint(surveyed.held) for surveyed in found if surveyed.hold.state not in ENDS)


def _mending(
    fix: Fix, plan: ReplayPlan, report: AuditReport, left: Counter[str], groups: Sequence[HoldGroup], replayed: int
) -> Mending | None:
    fixed = Counter(fingerprint(judged.held) for judged in plan.samples if judged.fix)
    mended = [group for group in groups if fixed[group.fingerprint]]
    if not mended:
        return None
    group = min(mended, key=lambda group: left[group.fingerprint])
    return Mending(
        fix=fix.label,
        command=f"watermaster quarantine replay --fix {FIX} --yes",
        group=group.short,
        matched=plan.matched,
        passing=plan.passing,
        changes=_changes(plan),
        replayed=replayed,
        group_open=left[group.fingerprint],
        held=sum(partition.held for partition in report.partitions),
        still_open=sum(partition.open for partition in report.partitions),
        proved=sum(partition.fixes_proved for partition in report.partitions),
        closes=report.verdict is AuditVerdict.OK,
    )


def _changes(plan: ReplayPlan) -> tuple[DifferenceLine, ...]:
    judged = next(judged for judged in plan.samples if judged.fix)
    if judged.before is None or judged.after is None:
        return ()
    return tuple(difference(judged.before, judged.after, plan.checks))
