"""Requests for a second person, joined to real Kafka: written to the hold-state topic, read from it, approved."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from watermaster.adapters.kafka.note_writer import KafkaNoteWriter
from watermaster.quarantine.fix.document import read_fix
from watermaster.quarantine.request import REQUEST_KEY, Request, chosen, decode_request, encode_request, refusal
from watermaster.runtime.configuration import ClusterConfiguration, Environment, StreamConfiguration
from watermaster.runtime.hold_states import read_states
from watermaster.runtime.ports import Output
from watermaster.runtime.replay import missing_holds
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import UsageFault
from watermaster.wiring.quarantine import QuarantineDesk, translate
from watermaster.wiring.replay import OrderPolicy, ReplayWish

_PARTITION = 0
"""Of the hold-state topic: requests are few."""


def needs_second_person(cluster: ClusterConfiguration, wish: ReplayWish) -> bool:
    """Whether what changes records for consumers must be approved by somebody else."""
    return cluster.environment is Environment.PRODUCTION and cluster.second_person and not wish.approved_by


def ask(desk: QuarantineDesk, wish: ReplayWish, streams: Sequence[StreamConfiguration]) -> Request:
    """Write the request down. Raises UsageFault for a wish that cannot be written, or without a reason."""
    below = {}
    for stream in streams:
        places = [TopicPartition(stream.quarantine, number) for number in desk.partitions(stream.quarantine)]
        bounds = desk.reader.bounds(places)
        below[stream.quarantine] = [bounds[place].end for place in places]
    selected = chosen(wish.selection, below)
    if selected is None or wish.fix or not wish.why:
        raise UsageFault(
            "WM-REQUEST",
            "a second person cannot be asked for this",
            hint="Say --why; choose by group, rule, partition, offset, contract or time.",
        )
    request = Request(
        step=wish.step,
        streams=tuple(stream.landing for stream in streams),
        chosen=selected,
        principal=desk.actor.principal,
        system_user=desk.actor.system_user,
        at_ms=desk.clock.now_ms(),
        why=wish.why,
        policy=wish.policy.value,
        repair_topic=wish.repair_topic,
        attempts_max=wish.attempts_max,
        rate_max=wish.rate_max,
        fix_document="" if wish.remedy is None else wish.remedy.document.decode(),
    )
    _write(desk, request.key(), encode_request(request))
    return request


def open_requests(desk: QuarantineDesk) -> dict[str, Request]:
    """Requests that wait, by id."""
    if desk.gate.holds not in desk.reader.topics([desk.gate.holds]):
        raise missing_holds(desk.gate.holds)
    states = read_states(desk.reader, TopicPartition(desk.gate.holds, _PARTITION), time.sleep)
    found = (decode_request(key, value) for key, value in states.written(REQUEST_KEY))
    return {request.id: request for request in found if request is not None}


def wish_of(request: Request, desk: QuarantineDesk) -> tuple[ReplayWish, tuple[StreamConfiguration, ...]]:
    """What an approver carries out. Raises UsageFault if they may not."""
    reason = refusal(request, desk.actor, desk.clock.now_ms())
    streams = tuple(stream for stream in desk.gate.streams if stream.landing in request.streams)
    remedy = read_fix(request.fix_document.encode(), "the request").fix if request.fix_document else None
    if not reason and request.fix_document and remedy is None:
        reason = "its fix cannot be read by this version"
    if not reason and len(streams) != len(request.streams):
        reason = "it is for streams that the gate does not have any more"
    if reason:
        raise UsageFault("WM-REQUEST-REFUSED", f"{request.id}: {reason}", hint="Ask somebody else, or ask anew.")
    approver, asker = desk.actor, request
    desk.actor = dataclasses.replace(approver, principal=asker.principal, system_user=asker.system_user)
    wish = ReplayWish(
        selection=request.chosen.selection(),
        step=request.step,
        remedy=remedy,
        policy=OrderPolicy(request.policy),
        repair_topic=request.repair_topic,
        attempts_max=request.attempts_max,
        rate_max=request.rate_max,
        why=request.why,
        approved_by=f"{approver.principal} ({approver.system_user})",
    )
    return wish, streams


def forget_request(request: Request, desk: QuarantineDesk) -> None:
    """It is done. Whoever dies before this may approve it again, which adds nothing."""
    _write(desk, request.key(), None)


def _write(desk: QuarantineDesk, key: bytes, value: bytes | None) -> None:
    KafkaNoteWriter(desk.settings, translate).write([Output(desk.gate.holds, _PARTITION, key, value, None, [])])
