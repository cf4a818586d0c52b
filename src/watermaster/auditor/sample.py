"""Which offsets have their bytes compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from watermaster.auditor.interval import Range
from watermaster.auditor.report import AuditMode

BLOCK_OFFSETS = 4096
"""Sampled offsets come in blocks: to move to another place costs as much as reading some thousand records."""

_PARTITIONS_MAX = 1_000_003
"""A prime above any partition number: seeds of different partitions do not meet."""

SHARE_DEFAULT = 0.05

_HASH_BITS = 32
_MIX = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio (Knuth's multiplicative hashing): neighbours fall far apart."""
_WORD = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Sample:
    """The mode with its share. `seed` chooses other blocks, so that repeated audits see different ones."""

    mode: AuditMode
    share: float = SHARE_DEFAULT
    seed: int = 0

    def of(self, partition: int) -> Sample:
        """The sample of one partition, so that partitions are not all sampled at the same offsets."""
        return replace(self, seed=self.seed * _PARTITIONS_MAX + partition)

    def wants(self, offset: int) -> bool:
        """Whether the bytes at a source offset are compared."""
        if self.mode is not AuditMode.SAMPLED:
            return self.mode is AuditMode.FULL
        return self._is_chosen(offset // BLOCK_OFFSETS)

    def _is_chosen(self, block: int) -> bool:
        word = ((self.seed * _MIX & _WORD) ^ block + 1) * _MIX & _WORD
        word = (word ^ word >> _HASH_BITS) * _MIX & _WORD
        return (word >> _HASH_BITS) < self.share * (1 << _HASH_BITS)

    def ranges(self, start: int, end: int) -> Iterator[Range]:
        """The parts of `[start, end)` that landing is read for, in order."""
        match self.mode:
            case AuditMode.COUNTS:
                return
            case AuditMode.FULL:
                if start < end:
                    yield Range(start, end)
            case AuditMode.SAMPLED:
                for block in range(start // BLOCK_OFFSETS, -(-end // BLOCK_OFFSETS)):
                    if self._is_chosen(block):
                        low = block * BLOCK_OFFSETS
                        yield Range(max(low, start), min(low + BLOCK_OFFSETS, end))
