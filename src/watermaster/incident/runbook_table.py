"""The built-in runbooks, one for each kind of signal. A test holds that every command in here exists."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from watermaster.incident.runbook import Runbook, RunbookStep
from watermaster.incident.signal import SignalKind

_LAG: Final = RunbookStep(
    "Which partitions, since when, and what the readers are doing.", "watermaster status --lag --cluster {cluster}"
)
_HORIZON: Final = RunbookStep(
    "How long until something unread is lost, and by what.", "watermaster status --horizon --cluster {cluster}"
)
_HEALTH: Final = RunbookStep(
    "Whether it is the cluster: brokers, copies, disks, who holds a transaction open, rebalances.",
    "watermaster status --health --cluster {cluster}",
)
_EXTEND: Final = RunbookStep(
    "Buy time: the plan keeps unread records for a day more; `--yes` does it.",
    "watermaster extend {topic} --for 24h --cluster {cluster}",
)
_HELD: Final = RunbookStep("Which failures, and how many records of each.", "watermaster quarantine groups")
_DIFFERENCE: Final = RunbookStep(
    "Compare the contract with the one before it on records of the topic.",
    "watermaster contract diff OLD.odcs.yaml NEW.odcs.yaml --topic {topic} --cluster {cluster}",
)
_RUNS: Final = RunbookStep("When which batch was checked, with its result.", "watermaster check --runs")
_VOLUME: Final = RunbookStep("The hours, beside what is usual.", "watermaster status --volume --cluster {cluster}")

RUNBOOKS: Final[Mapping[SignalKind, Runbook]] = MappingProxyType(
    {
        SignalKind.CLUSTER_UNREACHABLE: Runbook(
            "No broker answers the monitor, so nothing is known of what is in the cluster; that is never good news.",
            "Whether others reach it: network, certificates and passwords of this login first, then the brokers.",
            (
                RunbookStep("What exactly is refused, and by which address.", "watermaster status --cluster {cluster}"),
                RunbookStep(
                    "Once a broker answers: what is missing.", "watermaster status --health --cluster {cluster}"
                ),
                RunbookStep(
                    "Once it is back: who may lose something.", "watermaster status --horizon --cluster {cluster}"
                ),
            ),
            "At once to who runs the cluster; after ten minutes to the owners of what is read from it.",
        ),
        SignalKind.DATA_LOST: Runbook(
            "Records were deleted, by age or size, that a living group had not read. They cannot be read again here.",
            "The timeline: a shortened retention, a reader that stopped. Keep what is left before asking why.",
            (
                _EXTEND,
                _HORIZON,
                RunbookStep(
                    "Start the reader, or see what holds it up.", "watermaster status --lag --cluster {cluster}"
                ),
                RunbookStep("Whether another cluster has a copy: the incident's fifth answer says so."),
            ),
            "At once to the owner: whether the source can send again is theirs to say.",
        ),
        SignalKind.LOSS_NEAR: Runbook(
            "What a group has not read will be deleted soon, at the earliest at the moment that is named.",
            "Whether the reader runs and how fast it catches up; whether it is in time.",
            (_HORIZON, _EXTEND, _LAG),
            "To the owner of the reader while more is left than a start takes; below an hour extend first.",
        ),
        SignalKind.CONSUMER_STOPPED: Runbook(
            "Nobody is in the group, and records wait for it.",
            "The application: a deploy, a crash, an eviction, a login that has ended; the timeline names deploys.",
            (
                _LAG,
                _HORIZON,
                RunbookStep("Start the application. It goes on at its position; nothing needs a replay."),
                RunbookStep(
                    "If it dies on one record: the plan skips it, with a backup; `--yes` does it.",
                    "watermaster reset {group} --topic {topic} --to OFFSET --cluster {cluster}",
                ),
            ),
            "To the owner if it does not start, or if a loss is nearer than the mending.",
        ),
        SignalKind.CONSUMER_STUCK: Runbook(
            "A reader is in the group and does not move, though records wait.",
            "One record that it fails on again and again, a thread that hangs, or a transaction that nobody ends.",
            (
                _HEALTH,
                _LAG,
                RunbookStep("Read the reader's log at that position; restart it if it hangs."),
                RunbookStep(
                    "If one record is in the way: the plan skips it, with a backup; `--yes` does it.",
                    "watermaster reset {group} --topic {topic} --to OFFSET --cluster {cluster}",
                ),
            ),
            "To the owner of the reader; to who runs the cluster if a transaction hangs.",
        ),
        SignalKind.GATE_STOPPED: Runbook(
            "The gate has no member: nothing new reaches the trusted topic, and whoever reads it waits.",
            "The gate's own log, its permissions, the cluster. What waits is judged once it is back.",
            (
                RunbookStep("What it says of itself.", "watermaster status --cluster {cluster}"),
                _HEALTH,
                RunbookStep("Start it; it goes on at its position.", "watermaster gate"),
                RunbookStep("Prove what it did.", "watermaster gate verify"),
            ),
            "To the owner of the gate after ten minutes; to those behind it once their promises are missed.",
        ),
        SignalKind.HELD_SHARE: Runbook(
            "The gate holds a large part of what it reads: the source or the contract has changed.",
            "The rules that are named, and the deploys and activations of the timeline.",
            (
                _HELD,
                _DIFFERENCE,
                RunbookStep(
                    "If the contract is wrong: the plan puts an earlier one in force; `--yes` does it.",
                    "watermaster contract activate {topic} --rollback-to NUMBER",
                ),
                RunbookStep(
                    "If the source is wrong: mend and replay once it is right.", "watermaster quarantine replay"
                ),
            ),
            "To the owner of the source; nothing is lost while the quarantine keeps it.",
        ),
        SignalKind.BUDGET_BURN: Runbook(
            "A promise of the contract is missed so fast that its error budget ends before its time.",
            "Which promise: late and absent are the gate's or its cluster's, held ones the source's or the contract's.",
            (
                RunbookStep("What is left, and how fast it goes.", "watermaster status --slo"),
                _LAG,
                _HELD,
            ),
            "To the owner when the budget is used up before the cause is known.",
        ),
        SignalKind.VOLUME_LOW: Runbook(
            "The topic gets far fewer records than is usual at this hour of the week.",
            "The source: a deploy, a login that has ended, a filter; or a holiday.",
            (_VOLUME, _LAG, RunbookStep("Ask whoever writes it; the timeline names deploys.")),
            "To the owner of the source if it is no holiday.",
        ),
        SignalKind.VOLUME_HIGH: Runbook(
            "The topic gets far more records than is usual at this hour of the week.",
            "A source that sends again what it has sent, a backfill, or real demand; and who cannot keep up with it.",
            (_VOLUME, _LAG, _HORIZON),
            "To the owner of the source if nobody announced it, sooner if a loss comes nearer.",
        ),
        SignalKind.FIELDS_CHANGED: Runbook(
            "Fields of the stream are missing, of another kind or size, or hold codes that nobody knew last week.",
            "Which fields, since which hour, and what was deployed or activated then; the contract does not forbid it.",
            (
                RunbookStep("Whether it passes the contract as it is meant to.", "watermaster gate --observe"),
                RunbookStep("Ask whoever writes it; the timeline names deploys."),
                RunbookStep(
                    "If it is a fault, hold such records from now on: one rule more, judged on recent records first.",
                    "watermaster contract activate {topic}",
                ),
            ),
            "To the owner of the stream, and to those who read it: what has passed is in trusted.",
        ),
        SignalKind.FIELDS_NEW: Runbook(
            "Fields of the stream are filled that were empty or not there last week.",
            "Whether the contract names them, and whether one of them is personal.",
            (
                RunbookStep("What they would look like in the contract.", "watermaster contract infer --topic {topic}"),
                RunbookStep("Ask whoever writes it; the timeline names deploys."),
            ),
            "To the owner of the stream, in the morning.",
        ),
        SignalKind.BATCH_FAILED: Runbook(
            "The newest batch of the stream breaks its contract, or could not be read.",
            "What was checked by which contract; whether the file is whole.",
            (
                _RUNS,
                RunbookStep(
                    "See which records and assertions fail, then mend or deliver it anew: a good run ends this.",
                    "watermaster check FILE --contract CONTRACT.odcs.yaml --record",
                ),
            ),
            "To whoever delivers it, before somebody loads it.",
        ),
        SignalKind.BATCH_MISSING: Runbook(
            "No batch was checked for longer than the contract's `frequency`.",
            "Whether it was not delivered, or delivered and not checked.",
            (
                _RUNS,
                RunbookStep(
                    "Once it is there: a good run ends this.",
                    "watermaster check FILE --contract CONTRACT.odcs.yaml --record",
                ),
            ),
            "To whoever delivers it; to the owner of the job if the file is there.",
        ),
        SignalKind.PROBE_LOST: Runbook(
            "A record that the monitor wrote to the probe topic was refused, or its readers did not see it in time.",
            "The reason that is named; then whether others fare alike: copies, leaders, transactions.",
            (
                _HEALTH,
                _LAG,
                RunbookStep("If only the probe is refused: its login needs READ and WRITE on the topic, nothing else."),
            ),
            "At once to who runs the cluster if writers are refused as well.",
        ),
        SignalKind.GROUP_ABANDONED: Runbook(
            "An empty group had lost records before anybody looked: most likely nobody wants it any more.",
            "Whether its owner knows of it. A group that is wanted is one that stopped long ago.",
            (
                _LAG,
                RunbookStep("If nobody wants it: delete it (kafka-consumer-groups --delete --group), and this ends."),
                RunbookStep(
                    "If somebody does: see what is left for it.", "watermaster status --horizon --cluster {cluster}"
                ),
            ),
            "To nobody at night.",
        ),
    }
)
