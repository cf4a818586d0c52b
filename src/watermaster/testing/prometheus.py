"""Real Prometheus and Alertmanager: programs of this machine, or of Debian's packages, unpacked into the cache.

The packages come through apt with the machine's own sources and mirrors; apt compares each with the checksum of an
index that Debian has signed, so no sums are kept here, where they would age with each security update. Nothing is
installed, and no root is needed.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from watermaster.stream.fault import UsageFault, WorldFault
from watermaster.testing.jars import alone
from watermaster.testing.process import last_lines
from watermaster.testing.settings import KitSettings

PACKAGES: Final = ("prometheus", "prometheus-alertmanager")
FETCH_TIMEOUT_S: Final = 60.0
"""For 30 MB; where a network answers nothing, that is found out in minutes and not in a quarter of an hour."""
LINES_SHOWN: Final = 3
_HINT: Final = (
    "Install Debian's packages prometheus and prometheus-alertmanager, or set WATERMASTER_PROMETHEUS_HOME to a "
    "directory with the programs prometheus, promtool and alertmanager."
)

_TEMPLATE: Final = Path("/usr/share/prometheus/alertmanager/default.tmpl")
"""Debian's Alertmanager looks for it there and nowhere else."""
_SEEING: Final = (
    "/usr/bin/unshare",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    'mount --bind "$0" /usr/share && exec "$@"',
)
"""Runs a command that sees the folder that follows as /usr/share; nobody else does."""


@dataclass(frozen=True, slots=True)
class PrometheusPrograms:
    """The three programs. `before` is put before the command line of Alertmanager."""

    prometheus: Path
    promtool: Path
    alertmanager: Path
    before: tuple[str, ...] = ()


def find_prometheus(settings: KitSettings) -> PrometheusPrograms:
    """Of `prometheus_home`, else of the PATH, else of the cache, filled first if need be.

    Raises UsageFault where `prometheus_home` lacks one, WorldFault where they cannot be had.
    """
    if settings.prometheus_home is not None:
        return _of_home(settings.prometheus_home)
    installed = _found(shutil.which)
    return installed or _cached(settings.prometheus_cache)


def _of_home(home: Path) -> PrometheusPrograms:
    found = _found(_within(home))
    if found is None:
        raise UsageFault(
            "WM-TESTKIT-PROMETHEUS-HOME",
            f"{home} does not hold prometheus, promtool and alertmanager.",
            hint="Correct WATERMASTER_PROMETHEUS_HOME, or unset it.",
        )
    return found


def _within(folder: Path) -> Callable[[str], str | None]:
    return lambda name: shutil.which(name, path=str(folder))


def _found(which: Callable[[str], str | None]) -> PrometheusPrograms | None:
    """Debian calls it prometheus-alertmanager, everybody else alertmanager."""
    prometheus, promtool = which("prometheus"), which("promtool")
    alertmanager = which("prometheus-alertmanager") or which("alertmanager")
    if prometheus and promtool and alertmanager:
        return PrometheusPrograms(Path(prometheus), Path(promtool), Path(alertmanager))
    return None


def _cached(cache: Path) -> PrometheusPrograms:
    programs = _within(cache / "usr" / "bin")
    with alone(cache.with_name(cache.name + ".flock")):
        found = _found(programs)
        if found is None:
            _fill(cache)
            found = _found(programs)
    if found is None:
        raise WorldFault("WM-TESTKIT-PROMETHEUS", "Debian's packages lack a program.", hint=_HINT)
    if _TEMPLATE.exists():
        return found
    before = (*_SEEING, str(cache / "usr" / "share"))
    _run([*before, "test", "-e", str(_TEMPLATE)], cache)
    return replace(found, before=before)


def _fill(cache: Path) -> None:
    """Fetch, unpack, and rename, so that no half of it is ever taken for the whole."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise WorldFault("WM-TESTKIT-PROMETHEUS", "Prometheus is not installed, and there is no apt-get.", hint=_HINT)
    partial = Path(tempfile.mkdtemp(prefix=cache.name + ".partial-", dir=cache.parent))
    try:
        _fetch(partial)
        for package in sorted(partial.glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(partial / "root")], partial)
        shutil.rmtree(cache, ignore_errors=True)
        (partial / "root").rename(cache)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch(into: Path) -> None:
    """With the machine's index of packages; with a new one of our own where that is missing or has aged."""
    try:
        _run(["apt-get", "--quiet", "download", *PACKAGES], into)
    except WorldFault:
        for folder in ("lists/partial", "archives/partial"):
            (into / "apt" / folder).mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={into / 'apt/lists'}", "-o", f"Dir::Cache={into / 'apt'}"]
        _run(["apt-get", *own, "--quiet", "update"], into)
        _run(["apt-get", *own, "--quiet", "download", *PACKAGES], into)


def _run(command: Sequence[str], where: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command line
            command,
            cwd=where,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WorldFault("WM-TESTKIT-PROMETHEUS", f"{command[0]}: {type(error).__name__}.", hint=_HINT) from error
    if done.returncode:
        said = last_lines(done.stderr, LINES_SHOWN).replace("\n", " ")
        raise WorldFault("WM-TESTKIT-PROMETHEUS", f"{command[0]} says: {said}", hint=_HINT)
