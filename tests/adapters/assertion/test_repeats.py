"""Repeats are counted exactly, however often the digests had to be divided."""

from __future__ import annotations

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
