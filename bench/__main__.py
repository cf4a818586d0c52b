"""`python -m bench`: run sections, print them, and write the document if asked to."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import machine, report
from bench.arena import Arena
from bench.figure import Missing, Section
from bench.process_cpu import require_proc
from bench.run import Run
from bench.scale import FULL, QUICK, Scale
from bench.section import (
    auditor,
    check,
    decide,
    held,
    index,
    install,
    latency,
    monitor,
    peers,
    profile,
    recovery,
    replay,
    transfer,
)
from watermaster.stream.fault import Fault

SECTIONS: dict[str, Callable[[Run], Section]] = {
    "decide": decide.run,
    "transfer": transfer.run,
    "latency": latency.run,
    "held": held.run,
    "replay": replay.run,
    "index": index.run,
    "recovery": recovery.run,
    "auditor": auditor.run,
    "peers": peers.run,
    "check": check.run,
    "monitor": monitor.run,
    "install": install.run,
    "profile": profile.run,
}
WITHOUT_ARENA = ("decide", "check", "monitor", "install")


def main(arguments: Sequence[str], scale: Scale | None = None) -> int:
    """Exit code 0 if every section ran, 1 if one of them broke; a missed goal is printed, it does not fail."""
    options = _parse(arguments)
    began_s = time.monotonic()
    about = machine.describe()
    with Arena() as arena:
        run = Run(scale or (QUICK if options.quick else FULL), arena)
        sections, broken = [], False
        for name in options.only or SECTIONS:
            run.say(f"{name} … ({time.monotonic() - began_s:.0f} s)")
            section = _guarded(name, run)
            broken |= section is None
            sections += [section or Section(f"{name}: not measured", "", missing=("it broke; see standard error",))]
    run.say(f"{time.monotonic() - began_s:.0f} s in all")
    show = report.as_json if options.output == "json" else report.as_table
    sys.stdout.write(show(sections, about))
    if options.write:
        command = "make bench" + (f' ARGS="{" ".join(arguments)}"' if arguments else "")
        options.write.parent.mkdir(parents=True, exist_ok=True)
        if options.only and options.write.exists():
            text = report.merged(options.write.read_text(), sections, about, command)
        else:
            text = report.as_markdown(sections, about, command)
        options.write.write_text(text)
    return int(broken)


def _guarded(name: str, run: Run) -> Section | None:
    """One broken section must not take the others' numbers with it."""
    try:
        if name not in WITHOUT_ARENA:
            require_proc()
            run.warm_up()
        return SECTIONS[name](run)
    except Missing as what:
        return Section(f"{name}: not measured", "", missing=(str(what),))
    except Fault as fault:
        return Section(f"{name}: not measured", "", missing=(f"{fault.message} {fault.hint}",))
    except Exception as error:  # noqa: BLE001 - told on standard error and by the exit code
        run.say(f"{name} broke: {type(error).__name__}: {error}")
        return None


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios against physical and peer limits.")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, its numbers are noisy")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument("--output", choices=("table", "json"), default="table")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="also write the document, docs/benchmarks.md; with --only, those sections of it",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
