"""Where the log of a partition begins and ends, asked from its leader, also while one is being chosen."""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from watermaster.adapters.kafka.faults import LEADER_MOVES

REQUEST_TIMEOUT_S: Final = 30.0
AGAIN_S: Final = 0.2
"""A new leader knows its high watermark as soon as a follower has fetched from it."""


def log_bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """Log start and last stable end offset.

    Asked again while the partition has no leader that could say so, for at most `REQUEST_TIMEOUT_S`; raises
    `KafkaException`.
    """
    target = KafkaTopicPartition(topic, partition)
    until_s = time.monotonic() + REQUEST_TIMEOUT_S
    while True:
        try:
            return consumer.get_watermark_offsets(target, timeout=REQUEST_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in LEADER_MOVES or time.monotonic() > until_s:
                raise
        time.sleep(AGAIN_S)
