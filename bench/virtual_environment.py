"""Virtual environments: made from locked requirements for peers, or fresh for measuring an install."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.contestant import ROOT, WORK
from bench.figure import Missing

INSTALL_TIMEOUT_S = 600


def of_peer(name: str) -> Path:
    """The Python of a peer's environment, made if need be from requirements/bench-<name>.txt. Raises Missing."""
    return kept(name, f"bench-{name}")


def kept(name: str, lock: str) -> Path:
    """The Python of an environment that is kept from run to run, made from requirements/<lock>.txt. Raises Missing."""
    requirements = ROOT / "requirements" / f"{lock}.txt"
    directory = WORK / name
    done = directory / ".installed"
    python = directory / "bin" / "python"
    if not done.exists() or done.read_bytes() != requirements.read_bytes():
        make(directory)
        install(python, ["--require-hashes", "-r", str(requirements)], name)
        done.write_bytes(requirements.read_bytes())
    return python


def make(directory: Path) -> Path:
    """A fresh environment; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(directory)], check=True, timeout=INSTALL_TIMEOUT_S)
    return directory / "bin" / "python"


def install(python: Path, what: Sequence[str], name: str) -> None:
    """`pip install`; raises Missing with pip's last word."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no word"]
        raise Missing(f"{name}: pip could not install it: {words[-1]}")


def size_bytes(python: Path) -> int:
    """Bytes of all installed packages without what a fresh environment has itself (pip, setuptools) and caches."""
    files = python.parent.parent.glob("lib/python*/site-packages/**/*")
    own = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    total = 0
    for file in files:
        top = file.relative_to(next(p for p in file.parents if p.name == "site-packages")).parts[0]
        if file.is_file() and not file.is_symlink() and not top.startswith(own) and "__pycache__" not in file.parts:
            total += file.stat().st_size
    return total
