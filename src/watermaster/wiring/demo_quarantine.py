"""What the demonstration shows of its held records: groups, and the dry run of a replay of the largest one, a fix."""

from __future__ import annotations

from watermaster.quarantine.group import Groups
from watermaster.quarantine.selection import Selection
from watermaster.runtime.demo import Audience, grouped
from watermaster.runtime.demo_holds import DryRun, HoldGroup, HoldsShown, dry_run_of, hold_groups
from watermaster.wiring.demo_cluster import DemoScene
from watermaster.wiring.demo_mending import mend_midnight
from watermaster.wiring.quarantine import QuarantineDesk, open_desk, walk_held
from watermaster.wiring.replay import ReplayDesk, ReplayWish


def look_at_holds(scene: DemoScene, audience: Audience) -> HoldsShown:
    """Group what is held, judge the largest group again by the contract in force, and mend what a fix is for."""
    with open_desk(scene.configuration, scene.gate.name) as desk:
        with audience.step("Group what is held") as step:
            groups = _group(scene, desk)
            step.result(f"{grouped(sum(g.records for g in groups))} records, {len(groups)} problems")
        if not groups:
            return HoldsShown(groups, None)
        with audience.step("Dry run of a replay") as step:
            dry_run = _try(scene, desk, groups[0])
            step.result(f"{grouped(dry_run.matched)} records judged again, nothing written")
        mending = mend_midnight(scene, desk, groups, audience)
    return HoldsShown(groups, dry_run, mending)


def _group(scene: DemoScene, desk: QuarantineDesk) -> tuple[HoldGroup, ...]:
    groups = Groups()
    for found in walk_held(desk, (scene.stream,), Selection()):
        groups.add(found.held)
    return hold_groups(groups)


def _try(scene: DemoScene, desk: QuarantineDesk, group: HoldGroup) -> DryRun:
    wish = ReplayWish(Selection(groups=(group.fingerprint,)))
    (plan,) = ReplayDesk(desk, wish, (scene.stream,), desk.contracts()).plans()
    return dry_run_of(plan, group)
