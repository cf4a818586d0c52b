"""Quarantine: how a held record looks on its topic.

A held record keeps its key, value, timestamp and headers byte for byte; the reasons follow in headers that existing
tools read (`__dlq.errors.*` of the broker's share groups, `__connect.errors.*` of Kafka Connect), then our own facts,
then the one reserved header with the coordinates. The first `__watermaster.original_headers` headers are the
original ones, so that a replay restores them exactly.
"""
