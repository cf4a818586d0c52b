"""Records to draft contracts from, the judge of a draft, and the real flights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache

from watermaster.adapters.files.flights import ARCHIVE, read_flights
from watermaster.adapters.files.package_index import cache_directory, fetch, index_address
from watermaster.contract.checks import Checks
from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.contract.inference.proposal import Origin
from watermaster.contract.inference.stream_summary import StreamSummary
from watermaster.gate.exact import ExactLane
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import Outcome
from watermaster.runtime.contract_inference import Inferred, Learning, SampleBlock, conclude

ORIGIN = Origin("sample.jsonl", "sample")
BARE = b"apiVersion: v3.2.0\nkind: DataContract\nid: x\nversion: '1'\nstatus: draft\nschema:\n  - name: sample\n"


def encode(*documents: object) -> list[bytes | None]:
    return [json.dumps(document).encode() for document in documents]


def learn(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None) -> StreamSummary:
    learning = Learning()
    learning.take(SampleBlock(values, keys))
    return learning.summary


def draft(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None) -> Inferred:
    return conclude(learn(values, keys), ORIGIN)


def checks_of(text: str | bytes) -> Checks:
    read = read_contract(text.encode() if isinstance(text, str) else text, "sample.odcs.yaml")
    assert read.problems == ()
    compiled = compile_contract(read)
    assert compiled.problems == ()
    return compiled.checks[0]


def held_exactly(
    text: str | bytes, values: Iterable[bytes | None], keys: Sequence[bytes | None] | None = None
) -> list[int]:
    """Indexes of what the exact lane holds."""
    lane = ExactLane(checks_of(text))
    return [
        index
        for index, value in enumerate(values)
        if lane.judge(None if keys is None else keys[index], value, 0).outcome is not Outcome.PASS
    ]


def held_share(text: str, values: Sequence[bytes | None]) -> float:
    """By all lanes, as the gate judges."""
    verdicts = build_judge(checks_of(text)).judge([None] * len(values), list(values), 0)
    return sum(verdict.outcome is not Outcome.PASS for verdict in verdicts.values()) / len(values)


@cache
def flights() -> list[bytes | None]:
    """All 336,776, in the order of the year."""
    archive = fetch(ARCHIVE, index_address(), cache_directory())
    return [record.value for record in read_flights(archive)]
