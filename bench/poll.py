"""Looks of the monitor at a cluster, or the bare calls of the admin client that they need; on one core.

    python -m bench.poll look|bare BOOTSTRAP ROUNDS

Prints a line of JSON: for each round seconds, CPU seconds of this process with the client's threads, and what was seen.
The bare side asks as much in as many requests and looks at no answer. It reads no records, which a look does where a
group has something unread that it has not met before.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from watermaster.adapters.kafka.surveyor import GROUPS_IN_FLIGHT, REQUEST_TIMEOUT_S
from watermaster.runtime.configuration import ClusterConfiguration
from watermaster.runtime.monitor import Monitor
from watermaster.wiring.monitoring import surveyor_of

ANSWER_TIMEOUT_S = 60.0


def looking(bootstrap: str) -> Callable[[], dict[str, int]]:
    """A look; the first one learns settings, and a bounded number of records at a time."""
    monitor = Monitor(surveyor_of(ClusterConfiguration("bench", bootstrap)))

    def look() -> dict[str, int]:
        report = monitor.look()
        positions = [position for _, position in report.positions()]
        return {
            "partitions": len(report.survey.logs),
            "groups": len(report.groups),
            "positions": len(positions),
            "unseen": len(report.unseen),
            "horizons": sum(position.horizon.known for position in positions),
        }

    return look


def asking(bootstrap: str) -> Callable[[], dict[str, int]]:
    """The requests alone."""
    admin = AdminClient({"bootstrap.servers": bootstrap})

    def ask() -> dict[str, int]:
        metadata = admin.list_topics(timeout=REQUEST_TIMEOUT_S)
        listed = admin.list_consumer_groups(request_timeout=REQUEST_TIMEOUT_S).result(ANSWER_TIMEOUT_S).valid
        ids = [group.group_id for group in listed]
        for first in range(0, len(ids), GROUPS_IN_FLIGHT):
            some = ids[first : first + GROUPS_IN_FLIGHT]
            waiting = list(admin.describe_consumer_groups(some, request_timeout=REQUEST_TIMEOUT_S).values())
            for group in some:
                waiting += admin.list_consumer_group_offsets(
                    [ConsumerGroupTopicPartitions(group)], require_stable=False, request_timeout=REQUEST_TIMEOUT_S
                ).values()
            _await(waiting)
        partitions = [
            KafkaTopicPartition(name, number)
            for name, topic in metadata.topics.items()
            if not name.startswith("__")
            for number in topic.partitions
        ]
        earliest, latest = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]
        committed, uncommitted = IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED
        for spec, level in ((earliest, committed), (latest, committed), (latest, uncommitted)):
            asked = dict.fromkeys(partitions, spec)
            _await(list(admin.list_offsets(asked, isolation_level=level, request_timeout=REQUEST_TIMEOUT_S).values()))
        return {"partitions": len(partitions), "groups": len(ids)}

    return ask


def _await(futures: list[Any]) -> None:
    for future in futures:
        future.result(ANSWER_TIMEOUT_S)


def main(side: str, bootstrap: str, rounds: int) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    work = (looking if side == "look" else asking)(bootstrap)
    found = []
    for _ in range(rounds):
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        seen = work()
        found.append({"seconds": time.monotonic() - began_s, "cpu_s": time.process_time() - began_cpu_s, "seen": seen})
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
