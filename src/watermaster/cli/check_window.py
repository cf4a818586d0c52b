"""`check --topic T --window 1h`: closed windows of a topic, one or one after another."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watermaster.cli.check_view import CheckOutput, show_report
from watermaster.cli.cluster_choice import ClusterChoice
from watermaster.cli.output import inert, say, show_json_line
from watermaster.stream.fault import Fault, UsageFault

if TYPE_CHECKING:
    from watermaster.contract.checks import Checks
    from watermaster.runtime.check_report import CheckReport
    from watermaster.wiring.check_windows import WindowReport

WindowOption = Annotated[
    str | None,
    typer.Option(
        "--window", help="Only the newest closed window of this length: 10m, 1h, 1d.", rich_help_panel="Topics"
    ),
]
GraceOption = Annotated[
    str,
    typer.Option("--grace", help="How long after its end a window is closed.", rich_help_panel="Topics"),
]
FollowOption = Annotated[
    bool,
    typer.Option("--follow", help="Go on with each window once it is closed, until Ctrl-C.", rich_help_panel="Topics"),
]
AGAIN_S: Final = 10.0
"""After something in the world kept a window from being judged."""


def check_windows(
    checks: Checks,
    topic: str | None,
    window: str,
    grace: str,
    choice: ClusterChoice,
    output: CheckOutput,
    exit_code_of: Callable[[CheckReport], int],
    *,
    keep: bool,
    follow: bool,
) -> int:
    """Judge windows. The exit code is that of the newest one."""
    from watermaster.cli.extend import parse_duration
    from watermaster.wiring.check_windows import WindowChecks

    if topic is None:
        raise UsageFault("WM-CHECK-WINDOW", "--window is for a topic.", hint="Add --topic NAME.")
    stop = threading.Event()
    if follow:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    length_ms, grace_ms = parse_duration(window), parse_duration(grace)
    windows = WindowChecks(choice.config, *choice.require(), topic, checks, length_ms, grace_ms, keep=keep)
    code = 0
    while not stop.is_set():
        try:
            done = windows.next()
        except Fault as fault:
            if not follow or isinstance(fault, UsageFault):
                raise
            _note(f"This window waits: {fault.message} [{fault.code}]")
            stop.wait(AGAIN_S)
            continue
        if done is not None:
            code = exit_code_of(done.report)
            windows.keep(done, code)
            _show(done, output, follow=follow)
            if done.report.unread is not None:
                _note(f"This window is not read to its end: {done.report.unread.message} [{done.report.unread.code}]")
                _note(f"  {done.report.unread.hint}")
        elif not follow:
            _note("Every closed window of this length has been judged; the next one is not closed yet.")
        if not follow:
            break
        if done is None or done.report.unread is not None:
            stop.wait(AGAIN_S if done is not None else windows.due_in_s())
    return code


def _note(text: str) -> None:
    sys.stderr.write(f"{inert(text)}\n")
    sys.stderr.flush()


def _show(done: WindowReport, output: CheckOutput, *, follow: bool) -> None:
    if follow and output is CheckOutput.JSON:
        show_json_line(done)
        return
    if output is CheckOutput.TABLE:
        from watermaster.cli.incident_view import moment

        say(f"Window {moment(done.window.begin_ms)} to {moment(done.window.end_ms)}")
        for partition, count in done.lost.items():
            say(f"  up to {count} records of partition {partition} were deleted before they were judged")
    show_report(done.report, output)
