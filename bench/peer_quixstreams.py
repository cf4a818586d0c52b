"""The gate's job in Quix Streams, run by the Python of its own virtual environment.

    python peer_quixstreams.py run BOOTSTRAP GROUP SOURCE TARGET QUARANTINE
    python peer_quixstreams.py count FILE      how many of a file's JSON lines it would hold

Consume, check the same rules, split to two topics, exactly once, commit every 100 ms. The checks are plain Python on a
document that is decoded once by orjson, which the library brings along; they stop at the first broken rule, and values
pass as bytes. It does less than the gate: no reasons, no ledger, no header, duplicate keys unseen.
"""

import re
import sys
from datetime import datetime

import orjson

PATTERNS = (
    ("order_id", re.compile(r"o-[0-9]{8}").fullmatch),
    ("customer_id", re.compile(r"c-[0-9]+").fullmatch),
    ("email", re.compile(r"[^@ ]+@[^@ ]+").fullmatch),
    ("currency", re.compile(r"[A-Z]{3}").fullmatch),
)
NUMBERS = {int, float}
TEXT_OR_NULL = {str, type(None)}
STATUSES = {"NEW", "PAID", "SENT"}
COMMIT_INTERVAL_S = 0.1
COMMIT_EVERY = 10_000


def is_good(value: bytes) -> bool:
    """The rules of the benchmark's contract, the cheap ones first."""
    try:
        order = orjson.loads(value)
        total, discount, quantity = order["total"], order["discount"], order["quantity"]
        return (
            order["status"] in STATUSES
            and type(order["gift"]) is bool
            and type(quantity) is int
            and 1 <= quantity <= 1000
            and type(total) in NUMBERS
            and type(discount) in NUMBERS
            and 0 <= discount <= total
            and len(order["address"]) <= 300
            and type(order.get("note")) in TEXT_OR_NULL
            and all(matches(order[name]) for name, matches in PATTERNS)
            and datetime.fromisoformat(order["created_at"]).tzinfo is not None
        )
    except (KeyError, TypeError, ValueError):
        return False


def run(bootstrap: str, group: str, source: str, target: str, quarantine: str) -> None:
    """Run until ended."""
    from quixstreams import Application  # noqa: PLC0415 - `count` must not wait for it

    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=COMMIT_INTERVAL_S,
        commit_every=COMMIT_EVERY,
        auto_create_topics=False,
        producer_extra_config={"compression.type": "lz4", "linger.ms": 20, "batch.num.messages": 10_000},
        consumer_extra_config={"check.crcs": True},
        loglevel="WARNING",
    )
    topics = [
        app.topic(name, value_deserializer="bytes", value_serializer="bytes") for name in (source, target, quarantine)
    ]
    judged = app.dataframe(topics[0]).apply(lambda value: (value, is_good(value)))
    judged[judged.apply(lambda pair: pair[1])].apply(lambda pair: pair[0]).to_topic(topics[1])
    judged[judged.apply(lambda pair: not pair[1])].apply(lambda pair: pair[0]).to_topic(topics[2])
    app.run()


def count(file: str) -> None:
    """Print how many lines break a rule."""
    with open(file, "rb") as lines:  # noqa: PTH123 - the shortest way in a script without our library
        print(sum(not is_good(line) for line in lines))


if __name__ == "__main__":
    {"run": run, "count": count}[sys.argv[1]](*sys.argv[2:])
