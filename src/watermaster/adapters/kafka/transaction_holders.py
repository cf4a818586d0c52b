"""Who has a transaction open on a partition: producers by its leader, their names and times by their coordinators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from kafka import TopicPartition as SecondTopicPartition
from kafka.errors import KafkaError as SecondError

from watermaster.adapters.kafka.second_client import SecondClient, hidden_by, second_client
from watermaster.monitor.transaction import Holder
from watermaster.runtime.observed import Unseen
from watermaster.stream.coordinates import TopicPartition
from watermaster.stream.fault import Fault


def read_holders(
    settings: Mapping[str, Any], leaders: Mapping[TopicPartition, int], brokers: Sequence[int]
) -> Mapping[TopicPartition, tuple[Holder, ...] | Unseen]:
    """The holders of each partition, the one whose transaction begins first first.

    A producer whose coordinator says nothing of it to this login is a holder without a name.
    """
    if not leaders:
        return {}
    try:
        with second_client(settings) as client:
            return _read(client, leaders, brokers)
    except Fault as fault:
        return {source: Unseen(_told(source), fault.message, fault.code) for source in leaders}
    except SecondError as error:
        return {source: hidden_by(error, _told(source)) for source in leaders}


def _read(
    client: SecondClient, leaders: Mapping[TopicPartition, int], brokers: Sequence[int]
) -> dict[TopicPartition, tuple[Holder, ...] | Unseen]:
    producers = client.ask({source: partial(_producers, source, leader) for source, leader in leaders.items()}, _told)
    wanted = sorted({each for seen in producers.values() if not isinstance(seen, Unseen) for each in seen})
    if not wanted:
        return {source: seen if isinstance(seen, Unseen) else () for source, seen in producers.items()}
    listed = client.ask({broker: partial(_listed, broker, wanted) for broker in brokers}, _told_of)
    named = _named(client, dict(pair for seen in listed.values() if not isinstance(seen, Unseen) for pair in seen))
    hidden = next((seen for seen in listed.values() if isinstance(seen, Unseen)), None)
    return {source: _held(source, seen, named, hidden) for source, seen in producers.items()}


def _held(
    source: TopicPartition, producers: list[int] | Unseen, named: Mapping[int, Holder], hidden: Unseen | None
) -> tuple[Holder, ...] | Unseen:
    """A producer without a name is only told of if every coordinator has answered."""
    if isinstance(producers, Unseen):
        return producers
    if hidden is not None and not named.keys() >= set(producers):
        return Unseen(_told(source), hidden.reason, hidden.code)
    return tuple(named.get(each, Holder(each)) for each in producers)


def _named(client: SecondClient, names: Mapping[str, int]) -> dict[int, Holder]:
    """What coordinators tell of producers, by their ids; `names` are transactional ids."""
    described = client.ask({name: partial(_described, name) for name in names}, str)
    return {
        producer: Holder(producer, name) if isinstance(seen := described[name], Unseen) else seen
        for name, producer in names.items()
    }


def _producers(source: TopicPartition, leader: int, admin: Any) -> list[int]:  # noqa: ANN401 -- a client without types
    place = SecondTopicPartition(source.topic, source.partition)
    active = admin.describe_producers([place], broker_id=leader)[place].active_producers
    opened = [each for each in active if each.current_transaction_start_offset >= 0]
    return [each.producer_id for each in sorted(opened, key=lambda each: each.current_transaction_start_offset)]


def _listed(broker: int, producers: Sequence[int], admin: Any) -> Iterable[tuple[str, int]]:  # noqa: ANN401
    listed = admin.list_transactions(broker_ids=[broker], producer_id_filters=producers)[broker]
    return [(each.transactional_id, each.producer_id) for each in listed]


def _described(name: str, admin: Any) -> Holder:  # noqa: ANN401 -- a client without types
    seen = admin.describe_transactions([name])[name]
    since_ms = seen.transaction_start_time_ms
    return Holder(seen.producer_id, name, since_ms if since_ms >= 0 else None, seen.transaction_timeout_ms)


def _told_of(broker: int) -> str:
    return f"the transactions that broker {broker} coordinates"


def _told(source: TopicPartition) -> str:
    return f"who holds the transaction on {source}"
