"""A cluster in memory and the ports over it, for tests of everything that stands on the ports.

`log` holds one partition as a broker does: transactions leave markers that take offsets, aborted records stay and are
not seen, the start moves. `cluster` joins partitions, transactions, transactional ids with epochs and one group's
generations. `readers`, `upstream` and `writers` are the ports over it; `tests/adapters/test_ports.py` holds them and
the adapters of real Kafka to the same behaviour. `faults` says which call of a port fails, and whether before or after
it has done its work. Everything is single-threaded and deterministic: time is a `MemoryClock`.
"""
