"""What is different between two looks at a cluster: settings, members of groups, brokers, leaders and copies.

Pure: a function of two surveys. What one of them could not see is no difference. That a difference was seen beside a
problem is a correlation, and never proves that it is the cause.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from watermaster.incident.answer import span
from watermaster.runtime.health import REBALANCING
from watermaster.runtime.survey import Owner, Placement, Survey, SurveyedGroup
from watermaster.stream.coordinates import TopicPartition

NAMES_SHOWN: Final = 3
PARTITIONS_SHOWN: Final = 5
"""So that what happens to a topic of a thousand partitions is one line that a person reads."""
NAME_CHARACTERS_MAX: Final = 60

_GROUPS: Final = "consumer groups"
"""Stands in what a survey could not see if its list of groups is not whole."""


class Aspect(Enum):
    """What a difference is about."""

    SETTINGS = "settings"
    """Somebody has changed it."""
    BROKERS = "brokers"
    PARTITIONS = "partitions"
    MEMBERS = "members"
    """Of a group: more often what follows from a problem than what is behind it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was. `subject` is a topic or a group, None the cluster itself.

    `facet` tells differences of one subject apart that may come again and again. `since_ms` is the last moment at which
    it was seen as before, `seen_ms` the first one at which it was not.
    """

    aspect: Aspect
    subject: str | None
    facet: str
    since_ms: int
    seen_ms: int
    text: str


def compare_looks(before: Survey, after: Survey) -> tuple[Difference, ...]:
    """Everything that is different, what people change first. `before` is `carried` over from earlier looks."""
    since_ms, seen_ms = before.taken_ms, after.taken_ms
    set_since_ms = before.taken_ms if before.settings_ms is None else before.settings_ms
    found = [
        *_settings(before, after, set_since_ms, seen_ms),
        *_brokers(before, after, since_ms, seen_ms),
        *_topics(before, after, since_ms, seen_ms),
        *_groups(before, after, since_ms, seen_ms),
    ]
    return tuple(found)


def carried(before: Survey, after: Survey) -> Survey:
    """`after`, with what it could not see as it was seen last: so the next look is compared with what is known."""
    known = {group.group_id: group for group in before.groups}
    groups = {group.group_id: _carried_group(known.get(group.group_id), group) for group in after.groups}
    if not _lists_groups(after):
        groups = known | groups
    topics = {source.topic for source in after.placements}
    settings = {topic: values for topic, values in before.settings.items() if topic in topics} | dict(after.settings)
    present = {broker.id for broker in after.cluster.brokers}
    # A broker that is away tells nothing; what it told before is compared once it is back.
    brokers = dict(before.brokers) | {broker: values for broker, values in after.brokers.items() if broker in present}
    return replace(after, groups=tuple(groups.values()), settings=settings, brokers=brokers)


def _carried_group(before: SurveyedGroup | None, after: SurveyedGroup) -> SurveyedGroup:
    if before is None or before.members is None:
        return after
    if after.members is None:
        return before
    if after.state in REBALANCING and before.members and after.members:
        # While it rebalances nobody is assigned anything; its members are compared once it has settled.
        return replace(before, state=after.state)
    return after


def _lists_groups(survey: Survey) -> bool:
    return not any(_GROUPS in unseen.what for unseen in survey.unseen)


# --- settings -----------------------------------------------------------------------------------------------------


def _settings(before: Survey, after: Survey, since_ms: int, seen_ms: int) -> Iterator[Difference]:
    for topic, settings in sorted(after.settings.items()):
        was = before.settings.get(topic, {})
        for key, value in sorted(settings.items()):
            if key in was and was[key] != value:
                text = f"{key} of {topic} was {_value(key, was[key])} and is {_value(key, value)}"
                yield Difference(Aspect.SETTINGS, topic, key, since_ms, seen_ms, text)
    changed: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for broker, settings in sorted(after.brokers.items()):
        was = before.brokers.get(broker, {})
        for key, value in sorted(settings.items()):
            if key in was and was[key] != value:
                changed[key, was[key], value].append(broker)
    for (key, old, new), brokers in changed.items():
        text = f"{key} of broker {_listed(brokers)} was {_value(key, old)} and is {_value(key, new)}"
        yield Difference(Aspect.SETTINGS, None, key, since_ms, seen_ms, text)


def _value(key: str, text: str) -> str:
    """A setting as it stands, and in words where it is a length of time."""
    if key.endswith(".ms") and text.isdecimal():
        return f"{text} ({span(int(text))})"
    return text or "empty"


# --- brokers ------------------------------------------------------------------------------------------------------


def _brokers(before: Survey, after: Survey, since_ms: int, seen_ms: int) -> Iterator[Difference]:
    """Who is there. The controller is left out: a broker of KRaft names any broker as the controller."""
    was, now = ({broker.id for broker in survey.cluster.brokers} for survey in (before, after))
    for broker in sorted(was - now):
        text = f"broker {broker} is gone; {len(now)} are there"
        yield Difference(Aspect.BROKERS, None, str(broker), since_ms, seen_ms, text)
    for broker in sorted(now - was):
        text = f"broker {broker} has come; {len(now)} are there"
        yield Difference(Aspect.BROKERS, None, str(broker), since_ms, seen_ms, text)


# --- partitions ---------------------------------------------------------------------------------------------------


def _topics(before: Survey, after: Survey, since_ms: int, seen_ms: int) -> Iterator[Difference]:
    was, now = _by_topic(before.placements), _by_topic(after.placements)
    for topic in sorted(was.keys() | now.keys()):
        if topic not in now:
            told = {"gone": f"{topic} cannot be seen any more: it was deleted, or this login may not see it"}
        elif topic not in was:
            told = {"new": f"{topic} can be seen for the first time: it was created, or this login may see it now"}
        else:
            told = dict(_moves(topic, was[topic], now[topic]))
        if told:
            facet, text = ", ".join(told), "; ".join(told.values())
            yield Difference(Aspect.PARTITIONS, topic, facet, since_ms, seen_ms, text)


def _by_topic(placements: Mapping[TopicPartition, Placement]) -> Mapping[str, Mapping[int, Placement]]:
    found: dict[str, dict[int, Placement]] = defaultdict(dict)
    for source, placed in placements.items():
        found[source.topic][source.partition] = placed
    return found


def _moves(topic: str, was: Mapping[int, Placement], now: Mapping[int, Placement]) -> Iterator[tuple[str, str]]:
    """What is different in the partitions of a topic, the worst first: of which kind, and in words."""
    if len(was) != len(now):
        yield "partitions", f"{topic} had {len(was)} partitions and has {len(now)}"
    both = [(number, was[number], placed) for number, placed in sorted(now.items()) if number in was]
    kinds: tuple[tuple[str, Callable[[Placement, Placement], str | None]], ...] = (
        ("nobody leads", _unled),
        ("led again:", _led_again),
        ("another leader for", _moved),
        ("copies out of sync of", _fallen_behind),
        ("copies in sync again of", _caught_up),
        ("other brokers keep", _reassigned),
    )
    for words, judge in kinds:
        told = [f"{topic}[{number}]{how}" for number, old, new in both if (how := judge(old, new)) is not None]
        if told:
            more = len(told) - PARTITIONS_SHOWN
            rest = f" and {more} other partitions" if more > 0 else ""
            yield words, f"{words} {', '.join(told[:PARTITIONS_SHOWN])}{rest}"


def _unled(was: Placement, now: Placement) -> str | None:
    return "" if now.leader is None and was.leader is not None else None


def _led_again(was: Placement, now: Placement) -> str | None:
    return f" by {now.leader}" if was.leader is None and now.leader is not None else None


def _moved(was: Placement, now: Placement) -> str | None:
    both = was.leader is not None and now.leader is not None
    return f" ({was.leader} to {now.leader})" if both and was.leader != now.leader else None


def _fallen_behind(was: Placement, now: Placement) -> str | None:
    gone = [broker for broker in sorted(was.in_sync) if broker not in now.in_sync and broker in now.replicas]
    return f" (on {_listed(gone)}; {len(now.in_sync)} of {len(now.replicas)} in sync)" if gone else None


def _caught_up(was: Placement, now: Placement) -> str | None:
    back = [broker for broker in sorted(now.in_sync) if broker not in was.in_sync and broker in was.replicas]
    return f" (on {_listed(back)}; {len(now.in_sync)} of {len(now.replicas)} in sync)" if back else None


def _reassigned(was: Placement, now: Placement) -> str | None:
    if set(was.replicas) == set(now.replicas):
        return None
    return f" ({_listed(sorted(was.replicas))} before, {_listed(sorted(now.replicas))} now)"


# --- members ------------------------------------------------------------------------------------------------------


def _groups(before: Survey, after: Survey, since_ms: int, seen_ms: int) -> Iterator[Difference]:
    known = {group.group_id: group for group in before.groups}
    for group in after.groups:
        told = _members(known[group.group_id], group) if group.group_id in known else None
        if told is not None:
            yield Difference(Aspect.MEMBERS, group.group_id, told[0], since_ms, seen_ms, told[1])
    if _lists_groups(after):
        for group_id in sorted(known.keys() - {group.group_id for group in after.groups}):
            text = f"the group {group_id} is not there any more: it was deleted, or its positions have expired"
            yield Difference(Aspect.MEMBERS, group_id, "gone", since_ms, seen_ms, text)


def _members(was: SurveyedGroup, now: SurveyedGroup) -> tuple[str, str] | None:
    """Who has come and gone, its kind and one sentence; None if nobody has, or if it could not be seen."""
    if was.members is None or now.members is None or now.simple:
        return None
    name = now.group_id
    if was.members and not now.members:
        left = _named("left", was.owners.values()) or f"{was.members} left"
        return "empty", f"{name} has no member any more; {left}"
    if now.members and not was.members:
        return "filled", f"{name} had no member and has {now.members}{_after(_named('joined', now.owners.values()))}"
    if now.state in REBALANCING:
        return None if was.state in REBALANCING else ("rebalance", f"{name} rebalances, with {now.members} members")
    told = _exchanged(was, now)
    return None if told is None else ("exchange", told)


def _exchanged(was: SurveyedGroup, now: SurveyedGroup) -> str | None:
    """Between two looks at which somebody was there and nothing was on the move."""
    old, new = ({owner.member_id: owner for owner in group.owners.values()} for group in (was, now))
    left = _named("left", [old[member] for member in sorted(old.keys() - new.keys())])
    joined = _named("joined", [new[member] for member in sorted(new.keys() - old.keys())])
    count = f"{now.members} members" if was.members == now.members else f"{now.members} members, {was.members} before"
    told = "; ".join(part for part in (left, joined) if part)
    if told:
        return f"{now.group_id} has {count}; {told}"
    if was.members != now.members:
        return f"{now.group_id} has {count}"
    owned = ({source: owner.member_id for source, owner in group.owners.items()} for group in (was, now))
    return None if len({tuple(sorted(each.items())) for each in owned}) == 1 else f"{now.group_id} has shared out anew"


def _named(what: str, owners: Iterable[Owner]) -> str:
    """Members by client id and host, which people know; a member id means nothing to anybody."""
    members = {owner.member_id: f"{_cut(owner.client_id)} on {_cut(owner.host)}" for owner in owners}
    if not members:
        return ""
    names = sorted(members.values())
    more = len(names) - NAMES_SHOWN
    return f"{what}: {', '.join(names[:NAMES_SHOWN])}" + (f" and {more} more" if more > 0 else "")


def _after(told: str) -> str:
    return f"; {told}" if told else ""


def _cut(name: str) -> str:
    return name if len(name) <= NAME_CHARACTERS_MAX else name[: NAME_CHARACTERS_MAX - 1] + "…"


def _listed(brokers: Sequence[int]) -> str:
    return ", ".join(map(str, brokers)) or "none"
