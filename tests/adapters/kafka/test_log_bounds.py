"""A partition that has no leader just now is asked again; whatever else is wrong is told at once."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from watermaster.adapters.kafka import log_bounds as module
from watermaster.adapters.kafka.log_bounds import log_bounds


class _Answers:
    """A consumer that answers what it was given, in turn: an election cannot be held still on a real cluster."""

    def __init__(self, *answers: int | tuple[int, int]) -> None:
        self._answers = list(answers)

    def get_watermark_offsets(self, *_: Any, **__: Any) -> tuple[int, int]:
        answer = self._answers.pop(0)
        if isinstance(answer, int):
            raise KafkaException(KafkaError(answer))
        return answer


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0)


def test_asked_again_while_a_leader_is_chosen() -> None:
    answers = _Answers(KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.OFFSET_NOT_AVAILABLE, (3, 9))
    assert log_bounds(cast("Consumer", answers), "topic", 0) == (3, 9)


def test_what_does_not_pass_is_told_at_once() -> None:
    answers = _Answers(KafkaError.TOPIC_AUTHORIZATION_FAILED, (3, 9))
    with pytest.raises(KafkaException):
        log_bounds(cast("Consumer", answers), "topic", 0)


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQUEST_TIMEOUT_S", -1)
    with pytest.raises(KafkaException):
        log_bounds(cast("Consumer", _Answers(KafkaError.OFFSET_NOT_AVAILABLE)), "topic", 0)
