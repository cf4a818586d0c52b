"""Repeats are counted exactly, however often the digests had to be divided."""

from __future__ import annotations

import tracemalloc
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watermaster.adapters.assertion.repeats import DIGEST_BYTES, count_repeats

digests = st.sampled_from([bytes([a]) + bytes([b]) * (DIGEST_BYTES - 1) for a in range(3) for b in range(4)])


@settings(deadline=None, max_examples=30)
@given(files=st.lists(st.lists(digests, max_size=40), max_size=3), at_once=st.sampled_from([1, 5, 1000]))
def test_repeats_are_those_of_a_set(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[bytes]], at_once: int
) -> None:
    folder = tmp_path_factory.mktemp("repeats")
    paths: list[Path] = []
    for number, content in enumerate(files):
        paths.append(folder / f"d.{number}")
        paths[-1].write_bytes(b"".join(content))
    everything = [digest for content in files for digest in content]
    assert count_repeats(paths, folder, at_once=at_once) == len(everything) - len(set(everything))
    assert sorted(folder.iterdir()) == paths  # no piece is left


def test_values_that_are_few_are_never_divided(tmp_path: Path) -> None:
    file = tmp_path / "d.0"
    file.write_bytes((b"a" * DIGEST_BYTES + b"b" * DIGEST_BYTES) * 50_000)
    assert count_repeats([file], tmp_path / "no such directory", at_once=2) == 99_998


def test_memory_does_not_grow_with_the_values(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        file = tmp_path / f"d.{count}"
        file.write_bytes(
            b"".join(blake2b(b"%d" % number, digest_size=DIGEST_BYTES).digest() for number in range(count))
        )
        tracemalloc.start()
        try:
            assert count_repeats([file, file], tmp_path, at_once=5_000) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(400_000) < 2 * peak(25_000)
