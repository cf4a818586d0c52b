"""A fleet looks at quarantines as readers that wait: those of gates, and the dead-letter topics that were adopted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.runtime.surveyors import NOW, FixedSurveyor, survey_of

from watermaster.monitor.log import FirstUnread, PartitionLog
from watermaster.runtime.configuration import ClusterConfiguration, Configuration, QuarantineConfiguration
from watermaster.runtime.fleet import Fleet
from watermaster.runtime.lag_summary import horizon_lines
from watermaster.runtime.monitor import HELD_RECORDS
from watermaster.runtime.survey import Place
from watermaster.stream.coordinates import TopicPartition

LETTERS = TopicPartition("dlq.warehouse", 0)


def test_an_adopted_quarantine_has_a_loss_horizon() -> None:
    adopted = QuarantineConfiguration("warehouse", "primary", LETTERS.topic)
    configuration = Configuration(
        Path("watermaster.yaml"),
        {"primary": ClusterConfiguration("primary", "127.0.0.1:1")},
        Path(),
        Path(),
        quarantines={"warehouse": adopted},
    )
    base = survey_of()
    settings = {LETTERS.topic: base.settings["orders"]}
    survey = replace(base, logs={LETTERS: PartitionLog(3, 9, 9)}, settings=settings)
    surveyor = FixedSurveyor(survey, probes={Place(LETTERS, 3): FirstUnread(3, NOW - 1_000)})
    (look,) = Fleet(configuration, ["primary"], lambda _: surveyor).look()
    assert look.report is not None
    (line,) = horizon_lines(look.report)
    assert (line.group, line.topic) == (HELD_RECORDS, LETTERS.topic)
    assert line.left_ms is not None
