"""Why a horizon is unknown, in words: the reason that the cluster gave, where it gave one."""

from __future__ import annotations

from typing import assert_never

from watermaster.monitor.horizon import Doubt
from watermaster.runtime.observed import Unseen
from watermaster.runtime.survey import Survey
from watermaster.stream.coordinates import TopicPartition


def explain_doubt(doubt: Doubt, source: TopicPartition, survey: Survey, failed: Unseen | None) -> str:
    """A clause without a full stop; `failed` is what reading the first unread record was answered with."""
    match doubt:
        case Doubt.LOG:
            return f"its offsets could not be seen{_reason_about(str(source), survey)}"
        case Doubt.SETTINGS:
            return f"its retention could not be seen{_reason_about(f'topic {source.topic}', survey)}"
        case Doubt.RECORD:
            why = " yet" if failed is None else f": {failed.reason.rstrip('.')}"
            return f"its first unread record could not be read{why}"
        case Doubt.VOLUME:
            return "how much is unread and how fast it grows is not known yet"
        case Doubt.EXPIRY:
            return f"when the empty group's position expires cannot be seen{_reason_about('broker settings', survey)}"
        case _:
            assert_never(doubt)


def _reason_about(what: str, survey: Survey) -> str:
    return next((f": {seen.reason.rstrip('.')}" for seen in survey.unseen if what in seen.what), "")
