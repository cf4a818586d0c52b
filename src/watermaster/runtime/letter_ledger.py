"""`quarantine ledger` of an adopted quarantine: its equation, read from the dead-letter topic and its states."""

from __future__ import annotations

from collections.abc import Callable

from watermaster.quarantine.hold_key import decode_hold_key
from watermaster.quarantine.letter_balance import LetterBalance, LetterTerms
from watermaster.quarantine.selection import Selection
from watermaster.runtime.configuration import QuarantineConfiguration
from watermaster.runtime.hold_states import HoldReader
from watermaster.runtime.hold_survey import Survey
from watermaster.runtime.replay_plan import states_of
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import WorldFault


def read_letter_balance(
    reader: HoldReader, adopted: QuarantineConfiguration, survey: Survey, sleep: Callable[[float], object]
) -> LetterBalance:
    """The equation as it is now. States are read first: whoever replays meanwhile replays what is seen here."""
    found = reader.topics([adopted.topic])
    if adopted.topic not in found:
        raise missing_letters(adopted.topic)
    places = [TopicPartition(adopted.topic, number) for number in range(found[adopted.topic].partitions)]
    states = states_of(reader, adopted.holds, places[0], sleep)
    left = {key: hold.state for key, hold, _ in states.items() if decode_hold_key(key) is not None}
    balance = LetterBalance()
    for surveyed in survey.walk(adopted.topic, range(len(places)), Selection()):
        balance.see(LetterTerms(surveyed.held.stream, surveyed.held.key.holder), surveyed.hold.state)
        left.pop(surveyed.held.key.encode(), None)
    counts = survey.counts
    balance.records, balance.unread = counts.records, counts.unread
    balance.doubles, balance.clashes = counts.doubles, counts.clashes
    balance.deleted_max = sum(bounds.start for bounds in reader.bounds(places).values())
    for state in left.values():
        balance.remember(state)
    return balance


def missing_letters(topic: str) -> WorldFault:
    """The dead-letter topic is not there."""
    return WorldFault(
        "WM-QUARANTINE-TOPIC",
        f"the quarantine topic {topic} is not there, or this login may not see it",
        hint="Look at its name in watermaster.yaml; `watermaster gate topics` shows what a gate needs.",
    )
