"""Log directories of brokers: where they are, what lies in them, and what their disks have left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from watermaster.adapters.kafka.second_client import ask_brokers
from watermaster.monitor.log_directory import LogDirectory
from watermaster.runtime.observed import Unseen


def read_log_directories(
    settings: Mapping[str, Any], brokers: Sequence[int], unseen: list[Unseen]
) -> tuple[LogDirectory, ...]:
    """Of each broker that tells of its own; all of them are asked at once."""
    answers = ask_brokers(settings, {broker: partial(_directories, broker) for broker in brokers}, _told)
    found: list[LogDirectory] = []
    for broker, answer in answers.items():
        if isinstance(answer, Unseen):
            unseen.append(answer)
        elif not answer:
            # A broker without directories does not exist; a login that may not see them is answered with none.
            reason = "this login may not see them (Describe on the cluster is needed)."
            unseen.append(Unseen(_told(broker), reason, "WM-KAFKA-DENIED-CLUSTER"))
        else:
            found += answer
            if any(each.total is None and not each.offline for each in answer):
                unseen.append(Unseen(f"the disks of broker {broker}", "Kafka tells of them since 3.3.", "WM-KAFKA-OLD"))
    return tuple(found)


_NO_SIZE: Final = -1


def _told(broker: int) -> str:
    return f"the log directories of broker {broker}"


def _directories(broker: int, admin: Any) -> list[LogDirectory]:  # noqa: ANN401 -- a client without types
    (answer,) = admin.describe_log_dirs(brokers=[broker])
    return [
        LogDirectory(
            broker=broker,
            path=each["log_dir"],
            stored=_stored(each["topics"]) if each["error_code"] == 0 else None,
            total=_size(each, "total_bytes"),
            usable=_size(each, "usable_bytes"),
        )
        for each in answer["log_dirs"]
    ]


def _stored(topics: Iterable[Mapping[str, Any]]) -> int:
    return sum(part["partition_size"] for topic in topics for part in topic["partitions"])


def _size(answer: Mapping[str, Any], key: str) -> int | None:
    size = answer.get(key, _NO_SIZE)
    return None if size is None or size < 0 else int(size)
