"""CPU time of judging a record against a bare typed decode: 500 bytes, 12 fields, four patterns, two rules.

The bare decode is msgspec into a Struct of the same twelve fields with their plain types: no patterns, no bounds, no
duplicate keys detected. Both sides run over the same list of byte strings in the same process, in turns; the median
of the turns counts, so what else the machine does falls on both.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec

from watermaster.contract.compiler import compile_contract
from watermaster.contract.document import read_contract
from watermaster.gate.judge import build_judge
from watermaster.gate.verdict import Judge, Outcome

RECORDS = 20_000
TURNS = 15
BAD_SHARES = (0.0, 0.02, 0.5, 1.0)
NOW_MS = 1_700_000_000_000
COMMON_SHARE_MAX = 0.02
"""The goal is for streams that mostly keep their contract: what is held is read again to name every broken rule."""

CONTRACT = b"""
apiVersion: v3.2.0
kind: DataContract
id: shop-orders
version: 1.0.0
status: active
schema:
  - name: orders
    physicalType: topic
    logicalType: object
    quality:
      - {id: total-not-negative, type: custom, engine: cel, implementation: "this.total >= 0.0"}
      - {id: discount-below-total, type: custom, engine: cel, implementation: "this.discount <= this.total"}
    properties:
      - {name: order_id, logicalType: string, required: true, logicalTypeOptions: {pattern: "^o-[0-9]{8}$"}}
      - {name: customer_id, logicalType: string, required: true, logicalTypeOptions: {pattern: "^c-[0-9]+$"}}
      - {name: email, logicalType: string, required: true, logicalTypeOptions: {pattern: "^[^@ ]+@[^@ ]+$"}}
      - {name: currency, logicalType: string, required: true, logicalTypeOptions: {pattern: "^[A-Z]{3}$"}}
      - {name: status, logicalType: string, required: true, enum: [{value: NEW}, {value: PAID}, {value: SENT}]}
      - {name: quantity, logicalType: integer, required: true, logicalTypeOptions: {minimum: 1, maximum: 1000}}
      - {name: total, logicalType: number, required: true}
      - {name: discount, logicalType: number, required: true, logicalTypeOptions: {minimum: 0}}
      - {name: gift, logicalType: boolean, required: true}
      - {name: created_at, logicalType: timestamp, required: true, logicalTypeOptions: {timezone: true}}
      - {name: address, logicalType: string, required: true, logicalTypeOptions: {maxLength: 300}}
      - {name: note, logicalType: string}
"""

TYPES = {
    "order_id": str, "customer_id": str, "email": str, "currency": str, "status": str, "quantity": int,
    "total": float, "discount": float, "gift": bool, "created_at": str, "address": str, "note": str | None,
}  # fmt: skip

WORDS = (
    "left",
    "with",
    "the",
    "neighbour",
    "at",
    "number",
    "twelve",
    "please",
    "ring",
    "twice",
    "blue",
    "door",
    "yard",
)


def good_record(random_: random.Random) -> dict[str, Any]:
    """One order, about 500 bytes as compact JSON."""
    total = random_.randrange(100, 100_000) / 100
    at = random_.randrange(86_400)
    return {
        "order_id": f"o-{random_.randrange(10**8):08}",
        "customer_id": f"c-{random_.randrange(10**6)}",
        "email": f"{random_.choice(WORDS)}.{random_.choice(WORDS)}{random_.randrange(100)}@example.org",
        "currency": random_.choice(("EUR", "USD", "SEK")),
        "status": random_.choice(("NEW", "PAID", "SENT")),
        "quantity": random_.randrange(1, 100),
        "total": total,
        "discount": round(total * random_.choice((0, 0.05, 0.1)), 2),
        "gift": random_.random() < 0.1,
        "created_at": f"2024-05-{random_.randrange(1, 29):02}T{at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}.123Z",
        "address": " ".join(random_.choice(WORDS) for _ in range(21)),
        "note": " ".join(random_.choice(WORDS) for _ in range(26)),
    }


FAULTS: tuple[Callable[[dict[str, Any]], object], ...] = (
    lambda record: record.update(order_id="x" + record["order_id"]),
    lambda record: record.pop("currency"),
    lambda record: record.update(status="LOST"),
    lambda record: record.update(quantity="7"),
    lambda record: record.update(quantity=0),
    lambda record: record.update(total=-1.0, discount=0.0),
    lambda record: record.update(discount=record["total"] + 1),
    lambda record: record.update(created_at="2024-02-30T10:00:00Z"),
    lambda record: record.update(email=None),
)


def make_values(bad_share: float, seed: int = 7, records: int = RECORDS) -> list[bytes]:
    """Records as compact JSON; the bad ones break one rule each, all kinds in turn."""
    random_ = random.Random(seed)
    values = []
    for number in range(records):
        record = good_record(random_)
        if random_.random() < bad_share:
            FAULTS[number % len(FAULTS)](record)
        values.append(json.dumps(record, separators=(",", ":")).encode())
    return values


def bare_decoder() -> Callable[[bytes], object]:
    """Typed decode and nothing else."""
    record = msgspec.defstruct(
        "Order", [(name, kind) for name, kind in TYPES.items() if name != "note"] + [("note", str | None, None)]
    )
    return msgspec.json.Decoder(record).decode


def _cpu_us(work: Callable[[], object], records: int) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) / records * 1e6


def contract_judge() -> Judge:
    """The judge of the contract above."""
    return build_judge(compile_contract(read_contract(CONTRACT, "bench")).checks[0])


def held(values: list[bytes]) -> int:
    """How many of these records the contract holds."""
    verdicts = contract_judge().judge([None] * len(values), values, NOW_MS)
    return sum(verdict.outcome is Outcome.HOLD for verdict in verdicts.values())


def judge_us(values: list[bytes], turns: int) -> list[float]:
    """CPU µs per record of judging these, once a turn."""
    judge = contract_judge()
    keys: list[bytes | None] = [None] * len(values)
    return [_cpu_us(lambda: judge.judge(keys, list(values), NOW_MS), len(values)) for _ in range(turns)]


def run(records: int = RECORDS, turns: int = TURNS) -> dict[str, Any]:
    """CPU µs per record and ratios: `{"bytes": …, "bare_us": …, "judge": {share: {"us", "ratio", "held"}}}`."""
    decode = bare_decoder()
    batches = {share: make_values(share, records=records) for share in BAD_SHARES}
    keys: list[bytes | None] = [None] * records
    good = batches[0.0]
    # One judge a stream: a judge learns which lane pays, and a stream does not change its nature between two turns.
    judges = {share: contract_judge() for share in BAD_SHARES}

    def bare() -> None:
        for value in good:
            decode(value)

    bare_us: list[float] = []
    spent_us: dict[float, list[float]] = {share: [] for share in BAD_SHARES}
    ratios: dict[float, list[float]] = {share: [] for share in BAD_SHARES}
    for _ in range(turns):
        reference = _cpu_us(bare, records)
        bare_us.append(reference)
        for share, values in batches.items():
            judge = judges[share]
            spent = _cpu_us(lambda judge=judge, values=list(values): judge.judge(keys, values, NOW_MS), records)
            spent_us[share].append(spent)
            ratios[share].append(spent / reference)
    return {
        "bytes": round(statistics.mean(map(len, good))),
        "bare_us": round(statistics.median(bare_us), 3),
        "judge": {
            share: {
                "us": round(statistics.median(spent_us[share]), 3),
                "ratio": round(statistics.median(ratios[share]), 2),
                "held": held(batches[share]) / records,
            }
            for share in BAD_SHARES
        },
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
