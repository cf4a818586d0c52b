"""Answers about committed positions: one that could not be read is never taken for one that was never committed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError

from watermaster.adapters.kafka.observation import read_positions
from watermaster.runtime.observed import ObservedPosition, Unseen
from watermaster.stream.coordinates import TopicPartition


def answer(partition: int, offset: int, error: int | None = None) -> SimpleNamespace:
    failure = None if error is None else KafkaError(error)
    return SimpleNamespace(topic="orders", partition=partition, offset=offset, metadata=None, error=failure)


def test_committed_and_never_committed() -> None:
    seen = read_positions([answer(0, 7), answer(1, OFFSET_INVALID)])
    assert seen == {TopicPartition("orders", 0): ObservedPosition(7)}


@pytest.mark.parametrize(
    "error", [KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.UNSTABLE_OFFSET_COMMIT, KafkaError._TIMED_OUT]
)
def test_one_that_could_not_be_read(error: int) -> None:
    seen = read_positions([answer(0, 7), answer(1, OFFSET_INVALID, error)])
    assert isinstance(seen, Unseen)
    assert seen.what == "the committed offset of orders[1]"
