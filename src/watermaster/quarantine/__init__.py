"""Quarantine: held records, ours and others', and what becomes of them.

A held record keeps its key, value, timestamp and headers byte for byte; the reasons follow in headers that existing
tools read (`__dlq.errors.*` of the broker's share groups, `__connect.errors.*` of Kafka Connect), then our own facts,
then the one reserved header with the coordinates. The first `__watermaster.original_headers` headers are the
original ones, so that a replay restores them exactly.

`held` reads a record of any dead-letter convention (`dialect`) as facts; `fingerprint` and `group` make twelve problems
of forty thousand records; `lifecycle` is the table of what can happen to a hold, `hold_key` and `hold_record` how its
state is written; `balance` is the equation that must close.
"""
