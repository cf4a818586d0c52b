"""Samples beside a contract: each is judged as its author says, or the line is named with what differs."""

from __future__ import annotations

from io import BytesIO

import pytest

from watermaster.contract.checks import Checks
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.runtime.contract_samples import SampleFile, SampleReport, Surprise, try_samples

CONTRACT = b"""apiVersion: v3.2.0
kind: DataContract
id: x
version: '1'
status: active
schema:
- name: orders
  customProperties:
  - {property: tombstones, vendor: watermaster, value: hold}
  - {property: key, vendor: watermaster, value: {required: true, logicalTypeOptions: {pattern: '^o-[0-9]+$'}}}
  quality:
  - {id: small, type: custom, engine: cel, severity: warning, implementation: this.total < 100}
  - id: even
    type: custom
    engine: cel
    implementation: this.total % 2 == 0
    customProperties: [{property: onFailure, vendor: watermaster, value: drop}]
  - {id: recent, type: custom, engine: cel, severity: warning, implementation: now > timestamp('2020-01-01T00:00:00Z')}
  properties:
  - {name: total, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
"""
NOW_MS = 1_700_000_000_000


def checks() -> Checks:
    return compile_contract(read_contract(CONTRACT, "c")).checks[0]


def judged(good: bytes = b"", bad: bytes = b"", now_ms: int = NOW_MS) -> SampleReport:
    files = SampleFile("good.jsonl", BytesIO(good)), SampleFile("bad.jsonl", BytesIO(bad))
    return try_samples(checks(), *files, now_ms)


def test_good_records_pass_without_a_key_and_blank_lines_are_none() -> None:
    report = judged(b'{"total": 2}\n\n{"total": 4}\r\n')
    assert (report.good, report.surprises) == (2, [])


GOOD_LINES = [
    b'{"broken": ["$.total:minimum"], "value": {"total": -2}}',
    b'{"broken": ["$.total:required"], "value": {}}',
    b'{"broken": ["json.syntax"], "text": "{oops"}',
    b'{"broken": ["record.tombstone"], "value": null}',
    b'{"broken": ["json.duplicate_key"], "text": "{\\"total\\": 2, \\"total\\": 4}"}',
    b'{"broken": ["small"], "outcome": "pass", "value": {"total": 102}}',
    b'{"broken": ["even"], "outcome": "drop", "value": {"total": 3}}',
    b'{"broken": ["key.missing"], "key": null, "value": {"total": 2}}',
    b'{"broken": ["key:pattern"], "key": "o-x", "value": {"total": 2}}',
    b'{"broken": [], "outcome": "pass", "key": "o-1", "value": {"total": 2}}',
]


@pytest.mark.parametrize("line", GOOD_LINES)
def test_a_bad_sample_breaks_what_it_says(line: bytes) -> None:
    report = judged(bad=line)
    assert (report.bad, report.surprises) == (1, [])


def test_samples_that_are_judged_otherwise_are_named_by_line_and_rule() -> None:
    report = judged(
        b'{"total": 2}\n{"total": -2}\n',
        b'{"broken": ["$.total:maximum"], "value": {"total": -2}}\n{"broken": ["even"], "value": {"total": 2}}\n',
    )
    assert report.surprises == [
        Surprise(
            "good.jsonl", 2, "the record is held, and should pass", (), ("$.total:minimum (must satisfy minimum 0)",)
        ),
        Surprise(
            "bad.jsonl",
            1,
            "the record breaks other rules than those named",
            ("$.total:maximum",),
            ("$.total:minimum (must satisfy minimum 0)",),
        ),
        Surprise("bad.jsonl", 2, "the record passes, and should be held", ("even",)),
    ]


def test_a_rule_that_no_sample_breaks_is_named() -> None:
    assert judged(bad=GOOD_LINES[6]).untried == ("small", "recent")


def test_rules_see_the_moment_that_is_given() -> None:
    line = b'{"broken": ["recent"], "outcome": "pass", "value": {"total": 2}}'
    assert judged(bad=line, now_ms=0).surprises == []
    assert len(judged(bad=line).surprises) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"{oops",
        b"[]",
        b'{"value": {}}',
        b'{"broken": []}',
        b'{"broken": [], "value": {}, "text": ""}',
        b'{"broken": [], "vlaue": {}}',
        b'{"broken": [], "value": {}, "outcome": "maybe"}',
        b'{"broken": [], "text": "\xff"}',
    ],
)
def test_a_line_that_is_no_sample_is_named(line: bytes) -> None:
    (surprise,) = judged(bad=GOOD_LINES[0] + b"\n" + line).surprises
    assert surprise.line == 2
    assert surprise.why.startswith("the line is no sample: ")
