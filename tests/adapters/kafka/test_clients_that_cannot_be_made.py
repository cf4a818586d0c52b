"""A client that cannot be made, as while a certificate is replaced, is a fault that callers know, and no raw error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from watermaster.adapters.kafka.faults import translate_error
from watermaster.adapters.kafka.log_reader import KafkaLogReader
from watermaster.adapters.kafka.sampling import Sampler
from watermaster.runtime.observed import ObservedPartition, ObservedTopic
from watermaster.stream.fault import Fault

SETTINGS = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "ssl", "ssl.ca.location": "/nowhere/ca.pem"}
TOPIC = ObservedTopic("orders", partitions=(ObservedPartition(0, 0, 1, 1, start=0, end=1),))


@pytest.mark.parametrize(
    "make",
    [
        lambda settings: Sampler(settings).sample([TOPIC], 1),
        lambda settings: KafkaLogReader(settings, "orders", translate_error),
    ],
    ids=["sampler", "log reader"],
)
def test_it_is_a_fault(make: Callable[[Mapping[str, Any]], object]) -> None:
    with pytest.raises(Fault):
        make(SETTINGS)
