"""`contract test`: the samples beside a contract, found by the contract's own name.

`orders.odcs.yaml` has its samples in `orders.samples/`; the streams of a contract that describes several have theirs
in a folder of the stream's name below it.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from watermaster.contract.checks import Checks
from watermaster.runtime.contract_samples import SampleFile, SampleReport, try_samples
from watermaster.stream.fault import UsageFault, WorldFault

FOLDER_SUFFIX: Final = ".samples"
GOOD: Final = "good.jsonl"
BAD: Final = "bad.jsonl"


def samples_folder(contract: Path) -> Path:
    """Where the samples of a contract are kept."""
    return contract.with_name(contract.name.split(".")[0] + FOLDER_SUFFIX)


def judge_samples(streams: tuple[Checks, ...], folder: Path, now_ms: int) -> list[SampleReport]:
    """Judge the samples of each stream. Raises UsageFault where there are none at all, WorldFault if unreadable."""
    reports = [report for checks in streams if (report := _test(checks, _place(folder, checks, streams), now_ms))]
    if not reports:
        raise UsageFault(
            "WM-SAMPLES-NONE",
            f"There is no {GOOD} and no {BAD} in {folder}.",
            hint=f"Put records that must pass into {GOOD}, one a line, and name in {BAD} what each bad one breaks.",
        )
    return reports


def _place(folder: Path, checks: Checks, streams: tuple[Checks, ...]) -> Path:
    return folder if len(streams) == 1 and not (folder / checks.stream).is_dir() else folder / checks.stream


def _test(checks: Checks, folder: Path, now_ms: int) -> SampleReport | None:
    with ExitStack() as stack:
        good, bad = (_open(folder / name, stack) for name in (GOOD, BAD))
        return try_samples(checks, good, bad, now_ms) if good or bad else None


def _open(file: Path, stack: ExitStack) -> SampleFile | None:
    try:
        return SampleFile(str(file), stack.enter_context(file.open("rb")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WorldFault(
            "WM-SAMPLES-FILE", f"The samples {file} cannot be read: {error.strerror}.", hint="Check the path."
        ) from error
