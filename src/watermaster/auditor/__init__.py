"""The auditor: proves from outside that each source record got exactly one verdict. Pure: no I/O, no clock.

It shares no code with the gate or the quarantine: it reads the reserved header and the ledger with its own few lines,
so that a mistake in theirs cannot hide itself here.

How a proof is made, for one source partition:

1. Facts come in any interleaving: ledger entries, outputs (trusted and quarantine), sources (landing). For each offset
   one byte in a page says what was seen (`page`), and a 256-bit fingerprint of the content waits until its other half
   arrives (`content`). Faults that one fact alone shows (twice, out of order, foreign, wrong partition) are found then.
2. When everything below an offset is in, `PartitionAudit.judge` walks the ledger entries below it in order: they must
   tile, their arithmetic must close, and their counts must equal what the pages say. Judged pages are freed, so
   memory is bounded by how far the streams run apart and not by the length of the history.
3. An offset with neither output nor drop is a *hole*: a transaction marker, an aborted or compacted record, or a loss.
   The ledger cannot tell, so holes are given back (`unresolved`) to be fetched from landing. What is found there was
   lost; what can no longer be read is unverifiable, and never counts as proved.

Invariant: a partition is OK only if every offset in its range was seen in an output, dropped or passed over by the
ledger's word, or read in landing and found empty.
"""
