"""What a monitor watches beside readers, and what it takes from the contracts of gates for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlalchemy import Engine

from watermaster.adapters.database.hours import DatabaseHours
from watermaster.adapters.database.profiles import DatabaseProfiles
from watermaster.adapters.kafka.connection import client_settings
from watermaster.adapters.kafka.record_probe import RecordProbe
from watermaster.adapters.kafka.round_trip import KafkaRoundTrip
from watermaster.adapters.kafka.sampling import Sampler
from watermaster.contract.checks import Checks
from watermaster.contract.document import read_contract
from watermaster.contract.outline import outline
from watermaster.incident.reaction import ReactionPromise
from watermaster.monitor.log import Probe
from watermaster.monitor.objective import read_objectives
from watermaster.monitor.promise import read_promise
from watermaster.quarantine.exhibit import hides
from watermaster.runtime.budgets import PromisedStream
from watermaster.runtime.carriage import Carriage, Sample
from watermaster.runtime.configuration import Configuration, StreamConfiguration
from watermaster.runtime.data_watch import DataWatch
from watermaster.runtime.observed import ObservedTopic, TopicSample, Unseen
from watermaster.runtime.profiles import RECORDS_MAX, Profiles
from watermaster.runtime.reactions import PromisedReaction
from watermaster.runtime.rhythms import Rhythms
from watermaster.runtime.round_trips import RoundTrip, RoundTrips
from watermaster.runtime.survey import Place
from watermaster.stream.fault import Fault
from watermaster.wiring.contract import compile_checks


def data_watches(configuration: Configuration, engine: Engine, carriage: Carriage | None = None) -> Sequence[DataWatch]:
    """Volumes of all topics, and profiles of the streams of gates with how long they take."""
    profiles = Profiles(
        configuration,
        DatabaseProfiles(engine),
        _sampling(configuration),
        closed_fields(configuration),
        carriage or carriage_of(configuration),
    )
    trips = RoundTrips(configuration.monitor.probe_topics, _ways(configuration))
    return (Rhythms(configuration, DatabaseHours(engine)), profiles, trips)


def _ways(configuration: Configuration) -> Callable[[str, str], RoundTrip]:
    return lambda cluster, topic: KafkaRoundTrip(client_settings(configuration.clusters[cluster]), topic)


def carriage_of(configuration: Configuration) -> Carriage:
    """Measures how long the streams of gates take."""

    def probe(cluster: str, places: Sequence[Place]) -> Mapping[Place, Probe | Unseen]:
        reader = RecordProbe(client_settings(configuration.clusters[cluster]))
        try:
            return reader.probe(places)
        finally:
            reader.close()

    return Carriage(configuration, _sampling(configuration), probe)


def _sampling(configuration: Configuration) -> Sample:
    def sample(cluster: str, topics: Sequence[ObservedTopic]) -> Mapping[str, TopicSample]:
        sampler = Sampler(client_settings(configuration.clusters[cluster]))
        return sampler.sample(topics, RECORDS_MAX).by_topic

    return sample


def closed_fields(configuration: Configuration) -> Mapping[str, frozenset[str]]:
    """By landing topic the paths of the fields that its contract keeps from view."""
    return {
        stream.landing: frozenset(
            field.path.removeprefix("$.") for field in outline(checks).fields if hides(field.classification)
        )
        for stream, checks in _contracts(configuration)
    }


def owners_of(configuration: Configuration) -> Mapping[str, str]:
    """Topics of gates to the owner that their contract names; a contract that cannot be read names nobody."""
    owners: dict[str, str] = {}
    for stream, checks in _contracts(configuration):
        if checks.owner:
            owners |= dict.fromkeys((stream.landing, stream.trusted, stream.quarantine), checks.owner)
    return owners


def promised_streams(configuration: Configuration) -> Sequence[PromisedStream]:
    """The streams of all gates with their objectives; what a contract promises that cannot be read is not known."""
    found = []
    for gate in configuration.gates.values():
        for stream in gate.streams:
            path = configuration.contract_path(stream)
            try:
                read = read_contract(path.read_bytes(), path.name)
            except OSError as error:
                found.append(PromisedStream(gate, stream.landing, unread=f"{path.name}: {error.strerror}"))
                continue
            if read.problems:
                found.append(PromisedStream(gate, stream.landing, unread=f"{path.name} is no valid contract"))
            else:
                found.append(PromisedStream(gate, stream.landing, read_objectives(read.document)))
    return found


def promised_reactions(configuration: Configuration) -> Sequence[PromisedReaction]:
    """What contracts promise of detecting, notifying and repairing; one that cannot be read promises nothing here."""
    found = []
    for gate in configuration.gates.values():
        for stream in gate.streams:
            path = configuration.contract_path(stream)
            try:
                read = read_contract(path.read_bytes(), path.name)
            except OSError:
                continue
            if read.problems:
                continue
            promise = read_promise(read.document)
            reaction = ReactionPromise(promise.detect_ms, promise.notify_ms, promise.repair_ms)
            if reaction != ReactionPromise():
                found.append(PromisedReaction(gate, stream, reaction))
    return found


def _contracts(configuration: Configuration) -> Iterator[tuple[StreamConfiguration, Checks]]:
    """The streams of gates with what their contracts come to; one that cannot be read is left out."""
    for gate in configuration.gates.values():
        for stream in gate.streams:
            path = configuration.contract_path(stream)
            try:
                yield stream, compile_checks(path.read_bytes(), path.name, stream.schema_object)
            except (OSError, Fault):
                continue
