"""A second client (kafka-python) for requests that librdkafka does not have: asked, answered and closed within seconds.

It only ever asks: nothing of it that alters, writes or joins is called from here. It is made for one round of questions
and closed behind it, so that no thread and no login of it outlives a look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError
from kafka.admin import KafkaAdminClient
from kafka.errors import BrokerResponseError, KafkaConnectionError, KafkaTimeoutError
from kafka.errors import KafkaError as SecondError
from kafka.net.compat import KafkaNetClient

from watermaster.adapters.kafka.answer import unseen_because
from watermaster.adapters.kafka.second_settings import second_settings
from watermaster.runtime.observed import Unseen
from watermaster.stream.fault import Fault

ANSWER_TIMEOUT_S: Final = 10.0
"""For one round of questions to all brokers at once, the first contact apart."""

ASKED_AT_ONCE: Final = 16

# It logs what it is configured with, and every lost connection; neither belongs on a person's terminal.
logging.getLogger("kafka").addHandler(logging.NullHandler())
logging.getLogger("kafka").propagate = False

Answer = TypeVar("Answer")
Key = TypeVar("Key")


class SecondClient:
    """Asks brokers of one cluster. Made by `second_client`."""

    def __init__(self, admin: Any, pool: ThreadPoolExecutor) -> None:  # noqa: ANN401 -- a client without types
        self._admin, self._pool = admin, pool

    def ask(
        self, questions: Mapping[Key, Callable[[Any], Answer]], told: Callable[[Key], str]
    ) -> dict[Key, Answer | Unseen]:
        """The answer to each question, or why there is none; all are asked at once. `told` says what one asks for."""
        asked: dict[Key, Future[Answer]] = {
            key: self._pool.submit(question, self._admin) for key, question in questions.items()
        }
        wait(asked.values(), ANSWER_TIMEOUT_S)
        return {key: _settled(future, told(key)) for key, future in asked.items()}


@contextmanager
def second_client(settings: Mapping[str, Any]) -> Iterator[SecondClient]:
    """A client for one round of questions, from the settings of a `Connection`.

    Raises a fault for what `second_settings` refuses, and `SecondError` if no broker answers.
    """
    made: list[Any] = []

    def make(**configs: Any) -> Any:  # noqa: ANN401 -- a client without types
        made.append(KafkaNetClient(**configs))
        return made[0]

    timeout_ms = round(ANSWER_TIMEOUT_S * 1000)
    pool = ThreadPoolExecutor(ASKED_AT_ONCE, "watermaster-second-client")
    try:
        admin = KafkaAdminClient(
            **second_settings(settings),
            request_timeout_ms=timeout_ms,
            bootstrap_timeout_ms=timeout_ms,
            kafka_client=make,
        )
        yield SecondClient(admin, pool)
    finally:
        # Not by the administrative client's own close: if its first contact fails, there is none, and its thread runs.
        for client in made:
            client.close()
        pool.shutdown()


def ask_brokers(
    settings: Mapping[str, Any],
    questions: Mapping[Key, Callable[[Any], Answer]],
    told: Callable[[Key], str],
) -> dict[Key, Answer | Unseen]:
    """One round of questions with a client of its own; what cannot be asked at all is unseen for each."""
    if not questions:
        return {}
    try:
        with second_client(settings) as client:
            return client.ask(questions, told)
    except Fault as fault:
        return {key: Unseen(told(key), fault.message, fault.code) for key in questions}
    except SecondError as error:
        return {key: hidden_by(error, told(key)) for key in questions}


def hidden_by(error: BaseException, what: str) -> Unseen:
    """What an error of the second client hides, in the words of the first where Kafka itself has refused."""
    if isinstance(error, BrokerResponseError) and error.errno > 0:
        return unseen_because(KafkaError(error.errno), what)
    if isinstance(error, KafkaTimeoutError | KafkaConnectionError):
        return Unseen(what, "its broker did not answer in time.", "WM-KAFKA-TIMEOUT")
    return Unseen(what, f"the client that asks for it failed ({type(error).__name__}).", "WM-KAFKA-SECOND")


def _settled(future: Future[Any], what: str) -> Any:  # noqa: ANN401 -- answers of several shapes
    if not future.done():
        return Unseen(what, "its broker did not answer in time.", "WM-KAFKA-TIMEOUT")
    error = future.exception()
    return future.result() if error is None else hidden_by(error, what)
