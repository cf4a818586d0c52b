"""Readiness rules about the topic and its cluster: copies, acknowledgements, retention, who gets in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from watermaster.monitor.readiness_facts import ReadinessFinding, Severity, Surroundings, hours

REPLICATION_MIN: Final = 3
"""One copy may be away for maintenance while another one fails."""

IN_SYNC_MIN: Final = 2
"""With one, an acknowledged record may stand on a single disk."""


def _unseen(around: Surroundings) -> Iterator[ReadinessFinding]:
    if around.settings is None:
        what = "the settings of the topic" if around.exists else "the brokers' defaults for new topics"
        where = "the topic" if around.exists else "the cluster"
        why = "Copies in sync, retention and elections cannot be judged."
        fix = f"Allow this login DescribeConfigs on {where}."
        yield ReadinessFinding("settings", Severity.UNKNOWN, f"{what} could not be seen", why, fix)
    if not around.exists:
        why = "What is judged is what it would be created with: the brokers' defaults, where nobody says otherwise."
        fix = "Create it on purpose (watermaster gate topics, kafka-topics --create), then run readiness again."
        yield ReadinessFinding("topic", Severity.WARNING, "the topic does not exist yet", why, fix)


def _auto_create(around: Surroundings) -> Iterator[ReadinessFinding]:
    if not around.exists and around.auto_create:
        message = "whoever writes or reads first creates it (auto.create.topics.enable=true)"
        why = "It then has the brokers' defaults, its number of partitions too, and nobody has chosen them."
        fix = "Create it before anybody uses it, and set auto.create.topics.enable=false on the brokers."
        yield ReadinessFinding("auto-create", Severity.WARNING, message, why, fix)


def _copies(around: Surroundings) -> Iterator[ReadinessFinding]:
    why = f"With fewer than {REPLICATION_MIN} copies, the failure of a broker during maintenance loses records."
    if around.brokers < REPLICATION_MIN:
        message = f"the cluster has {around.brokers} broker(s)"
        fix = f"Use a cluster of {REPLICATION_MIN} brokers or more."
        yield ReadinessFinding("brokers", Severity.ERROR, message, why, fix)
    elif around.replication is not None and around.replication < REPLICATION_MIN:
        message = f"replication factor {around.replication}{around.by_default}"
        fix = f"Reassign the partitions to {REPLICATION_MIN} replicas (kafka-reassign-partitions)."
        if not around.exists:
            fix = f"Create the topic with {REPLICATION_MIN} replicas, or set default.replication.factor on the brokers."
        yield ReadinessFinding("replication", Severity.ERROR, message, why, fix)


def _in_sync(around: Surroundings) -> Iterator[ReadinessFinding]:
    """Whether a writer with acks=all is safe, and is served."""
    text = None if around.settings is None else around.settings.get("min.insync.replicas")
    if text is None:
        return
    least, copies = int(text), around.replication
    message = f"min.insync.replicas is {least}{around.by_default}"
    if least < IN_SYNC_MIN:
        why = "With acks=all, a record is acknowledged that stands on one disk only."
        fix = around.set(f"min.insync.replicas={IN_SYNC_MIN}")
        yield ReadinessFinding("min-isr", Severity.ERROR, message, why, fix)
    if copies is not None and least > copies:
        why = "No writer with acks=all can write, a gate neither: each record is refused."
        fix = "Have one replica more than min.insync.replicas."
        yield ReadinessFinding("acks", Severity.ERROR, f"{message} of {copies} replica(s)", why, fix)
    elif copies is not None and least == copies and least >= IN_SYNC_MIN:
        why = "Every restart of a broker stops the writers."
        fix = "Have one replica more than min.insync.replicas."
        yield ReadinessFinding("min-isr", Severity.WARNING, f"{message} of {copies} replicas", why, fix)


def _elections(around: Surroundings) -> Iterator[ReadinessFinding]:
    if around.settings is not None and around.settings.get("unclean.leader.election.enable") == "true":
        message = f"unclean leader election is allowed{around.by_default}"
        why = "A replica that is behind may become leader, and acknowledged records are gone."
        fix = around.set("unclean.leader.election.enable=false")
        yield ReadinessFinding("unclean-election", Severity.ERROR, message, why, fix)


def _internals(around: Surroundings) -> Iterator[ReadinessFinding]:
    """Topics of Kafka itself; with too few brokers the brokers are the finding."""
    if around.brokers < REPLICATION_MIN:
        return
    for topic in around.internals:
        why = f"If its copies fail, {topic.keeps}."
        if topic.replication is None or topic.in_sync_min is None:
            fix = "Allow this login Describe and DescribeConfigs on it, or ask whoever runs the cluster."
            message = f"how {topic.name} is kept could not be seen"
            yield ReadinessFinding("internal-topics", Severity.WARNING, message, why, fix)
        elif topic.replication < REPLICATION_MIN or topic.in_sync_min < IN_SYNC_MIN:
            message = f"{topic.name} has {topic.replication} replica(s), {topic.in_sync_min} of them in sync at least"
            fix = f"Reassign it to {REPLICATION_MIN} replicas, and set its min.insync.replicas={IN_SYNC_MIN}."
            yield ReadinessFinding("internal-topics", Severity.ERROR, message, why, fix)


def _transactions(around: Surroundings) -> Iterator[ReadinessFinding]:
    asked = around.transactions
    if asked is not None and asked.timeout_ms_max is not None and asked.timeout_ms > asked.timeout_ms_max:
        message = f"the gate asks for transactions of {asked.timeout_ms} ms, brokers allow {asked.timeout_ms_max} ms"
        why = "The gate's producer is refused, so nothing is judged."
        fix = "Lower transaction_timeout_ms of the gate, or raise transaction.max.timeout.ms on the brokers."
        yield ReadinessFinding("transactions", Severity.ERROR, message, why, fix)


def _outage(around: Surroundings) -> Iterator[ReadinessFinding]:
    kept_ms = around.retention.time_ms if around.retention else None
    if kept_ms is not None and kept_ms < around.outage_ms:
        message = (
            f"records are kept for {hours(kept_ms)}{around.by_default}, an outage of {hours(around.outage_ms)} is to be"
            " survived"
        )
        why = "A reader that stops for longer finds records deleted that it has not read."
        fix = around.set(f"retention.ms={around.outage_ms} or more")
        yield ReadinessFinding("outage", Severity.ERROR, message, why, fix)


def _security(around: Surroundings) -> Iterator[ReadinessFinding]:
    if not around.encrypted:
        why = "Whoever sees the network reads every record."
        fix = "Use a TLS listener: security.protocol=SASL_SSL in the client properties."
        yield ReadinessFinding("encryption", Severity.ERROR, "the connection is not encrypted", why, fix)
    if not around.login:
        why = "Nobody can say who reads or writes, and no permission can be given or taken."
        fix = "Log in with SASL or a client certificate."
        yield ReadinessFinding("login", Severity.ERROR, "the connection has no login", why, fix)


def _readers(around: Surroundings) -> Iterator[ReadinessFinding]:
    if around.readers is None:
        why = "Who can read the stream is not known."
        fix = "Keep ACLs, and allow this login Describe on the cluster."
        yield ReadinessFinding("readers", Severity.UNKNOWN, "no ACL could be seen", why, fix)
    elif "User:*" in around.readers:
        why = "No purpose and no owner stands behind a reader."
        fix = "Replace the ACL of User:* with one for each principal that needs it."
        yield ReadinessFinding("readers", Severity.ERROR, "everybody may read the stream", why, fix)


ABOUT_TOPIC: Final[tuple[Callable[[Surroundings], Iterator[ReadinessFinding]], ...]] = (
    _unseen,
    _auto_create,
    _copies,
    _in_sync,
    _elections,
    _internals,
    _transactions,
    _outage,
    _security,
    _readers,
)
"""In the order in which they are told."""
