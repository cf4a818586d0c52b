"""What an installation weighs, and how long it takes to be there."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

from bench.contestant import ROOT, WORK
from bench.figure import Measured, Missing, Ratio, Section, Table, measured
from bench.run import Run
from bench.virtual_environment import install, make, of_peer, size_bytes

BUILD_TIMEOUT_S = 120
PEERS = {"quixstreams": "Quix Streams", "great-expectations": "Great Expectations"}


def run(run: Run) -> Section:
    """The wheel of this checkout into fresh environments, from the package index that pip is set to."""
    missing: list[str] = []
    ratios = [_help(run)]
    rows: list[tuple[str, str]] = []
    try:
        wheel = _build(run.arena.directory)
        base = _measure_install(wheel, "")
        rows.append(("base", _mb(base)))
        for extra in _extras() if run.scale.every_extra else ():
            rows.append((f"base and extra {extra}", _mb(_measure_install(wheel, extra))))
            run.say(f"  {rows[-1][0]}: {rows[-1][1]}")
        ratios += _beside_peers(base, missing)
    except Missing as what:
        missing.append(str(what))
    about = (
        "Bytes of all installed packages, without pip and without compiled caches, as pip installs them today; against "
        "the environments of the peers. Start-up is the time on the clock of the whole command, against the "
        "interpreter's own."
    )
    table = Table("Installed sizes", ("what", "MB"), tuple(rows))
    return Section("install: size and start-up", about, tuple(ratios), (table,) if rows else (), tuple(missing))


def _help(run: Run) -> Ratio:
    starts = range(run.scale.starts)
    ours = [_seconds([sys.executable, "-m", "watermaster", "--help"]) for _ in starts]
    bare = [_seconds([sys.executable, "-c", "pass"]) for _ in starts]
    return Ratio(
        "`watermaster --help` / `python -c pass`", measured("command", "s", ours), measured("interpreter", "s", bare)
    )


def _seconds(command: Sequence[str]) -> float:
    began_s = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return time.perf_counter() - began_s


def _build(directory: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--wheel-dir", str(directory), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise Missing(f"install sizes: the wheel could not be built: {done.stderr.strip().splitlines()[-1]}")
    return next(directory.glob("watermaster-*.whl"))


def _extras() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return sorted(project["optional-dependencies"])


def _measure_install(wheel: Path, extra: str) -> int:
    python = make(WORK / "install")
    install(python, [f"{wheel}[{extra}]" if extra else str(wheel)], f"install size {extra or 'base'}")
    return size_bytes(python)


def _beside_peers(base: int, missing: list[str]) -> list[Ratio]:
    ratios = []
    for name, label in PEERS.items():
        try:
            theirs = size_bytes(of_peer(name))
        except Missing as what:
            missing.append(str(what))
            continue
        ratios.append(Ratio(f"base install / {label}", _megabytes("base", base), _megabytes(label, theirs)))
    return ratios


def _megabytes(of: str, size: int) -> Measured:
    return measured(of, "MB", [size / 1e6])


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f}"
