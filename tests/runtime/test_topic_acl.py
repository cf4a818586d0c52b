from __future__ import annotations

import pytest

from watermaster.runtime.configuration import GateConfiguration, StreamConfiguration
from watermaster.runtime.topic_acl import AclRule, gate_acls, missing_acls, operator_acls, wider_readers
from watermaster.runtime.topic_state import AclEntry, ResourceKind

GATE = GateConfiguration("g", "c", (StreamConfiguration("in", "out", "c.odcs.yaml"),))
TOPIC, TXN = ResourceKind.TOPIC, ResourceKind.TRANSACTIONAL_ID


def _entry(
    name: str,
    operation: str,
    principal: str = "User:g",
    *,
    kind: ResourceKind = TOPIC,
    prefixed: bool = False,
    allows: bool = True,
    host: str = "*",
) -> AclEntry:
    return AclEntry(principal, host, kind, name, prefixed, operation, allows)


def test_the_list_is_this_and_no_more() -> None:
    assert [str(rule) for rule in gate_acls(GATE)] == [
        "READ on TOPIC in",
        "WRITE on TOPIC out",
        "WRITE on TOPIC dlq.in",
        "WRITE on TOPIC watermaster.ledger.g",
        "READ on TOPIC watermaster.ledger.g",
        "READ on TOPIC watermaster.control",
        "READ on GROUP watermaster.g",
        "WRITE on TRANSACTIONAL_ID g.*",
    ]


def test_an_operator_reads_and_replays_and_does_not_judge() -> None:
    assert [str(rule) for rule in operator_acls(GATE)] == [
        "DESCRIBE on TOPIC in",
        "READ on TOPIC dlq.in",
        "READ on TOPIC out",
        "WRITE on TOPIC out",
        "READ on TOPIC watermaster.holds.g",
        "WRITE on TOPIC watermaster.holds.g",
        "READ on TOPIC watermaster.ledger.g",
        "READ on TOPIC watermaster.control",
        "WRITE on TRANSACTIONAL_ID g.replay.*",
    ]


@pytest.mark.parametrize(
    ("entries", "granted", "why"),
    [
        ([], False, "nothing"),
        ([_entry("in", "READ")], True, "the ACL itself"),
        ([_entry("in", "ALL")], True, "ALL is READ too"),
        ([_entry("*", "READ")], True, "every topic"),
        ([_entry("i", "READ", prefixed=True)], True, "a prefix"),
        ([_entry("in", "READ", "User:*")], True, "anybody"),
        ([_entry("in", "READ", "User:other")], False, "somebody else"),
        ([_entry("in", "WRITE")], False, "WRITE is not READ"),
        ([_entry("inn", "READ")], False, "another topic"),
        ([_entry("in", "READ", kind=ResourceKind.GROUP)], False, "a group of the same name"),
        ([_entry("in", "READ", host="10.0.0.1")], False, "from one host only: not known to be ours"),
        ([_entry("in", "READ"), _entry("in", "READ", allows=False)], False, "a denial wins"),
        ([_entry("in", "READ"), _entry("*", "ALL", "User:*", allows=False)], False, "a denial for all wins"),
        ([_entry("in", "READ"), _entry("in", "WRITE", allows=False)], True, "a denial of something else"),
    ],
)
def test_what_grants(entries: list[AclEntry], granted: bool, why: str) -> None:
    rule = AclRule(TOPIC, "in", "READ", "")
    assert (missing_acls([rule], entries, "User:g") == ()) is granted, why


@pytest.mark.parametrize(
    ("name", "prefixed", "granted"), [("g.", True, True), ("g", True, True), ("g.", False, False), ("g.a", True, False)]
)
def test_a_prefix_is_granted_by_a_shorter_prefix_only(name: str, prefixed: bool, granted: bool) -> None:
    rule = AclRule(TXN, "g.", "WRITE", "", prefixed=True)
    entry = _entry(name, "WRITE", kind=TXN, prefixed=prefixed)
    assert (missing_acls([rule], [entry], "User:g") == ()) is granted


def test_who_may_read_more_than_the_source_is_named() -> None:
    entries = [_entry("in", "READ", "User:a"), *(_entry("dlq.in", "READ", f"User:{who}") for who in "ab")]
    assert list(wider_readers(GATE, entries)) == [("in", "dlq.in", ("User:b",))]
