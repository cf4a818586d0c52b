"""Answers of the admin client, taken without raising: an error is a value that says what could not be seen."""

from __future__ import annotations

from typing import Any

from watermaster.adapters.kafka.faults import translate_error
from watermaster.runtime.observed import Unseen


def settle(future: Any, what: str, timeout_s: float) -> Any:  # noqa: ANN401 -- answers of several shapes
    """The answer, or an `Unseen` instead of it."""
    failure = future.exception(timeout=timeout_s)
    return future.result() if failure is None else unseen_because(failure, what)


def unseen_because(failure: Any, what: str) -> Unseen:  # noqa: ANN401 -- errors of several shapes
    """What an error hides."""
    fault = translate_error(failure, doing="looking")
    return Unseen(what, fault.message, fault.code)
