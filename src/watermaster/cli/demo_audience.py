"""Who watches the demonstration: a person at a terminal, a log that gets lines, a script that only wants the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import typer

from watermaster.cli.demo_outage_view import OutageView, event_line, state_line
from watermaster.cli.demo_view import PlayView
from watermaster.cli.output import cell_text, one_line, say
from watermaster.runtime.demo import Bill, Moment
from watermaster.runtime.outage import OutageMoment, OutagePlan

LINE_INTERVAL_S: Final = 5.0
REDRAW_INTERVAL_S: Final = 0.125
_STEP_WIDTH: Final = 26


class _Step:
    """One step; `told` is called with each new share of what is done."""

    def __init__(self, told: Callable[[float], None] = lambda _: None) -> None:
        self.text = ""
        self.progress = told

    def result(self, text: str) -> None:
        self.text = text


class SilentAudience:
    """Shows nothing. `yes` is the answer to every question."""

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes

    @contextmanager
    def step(self, _doing: str) -> Iterator[_Step]:
        """Nothing is shown."""
        yield _Step()

    @contextmanager
    def play(self, _bill: Bill) -> Iterator[Callable[[Moment], None]]:
        """Nothing is shown."""
        yield lambda _: None

    @contextmanager
    def outage(self, _plan: OutagePlan) -> Iterator[Callable[[OutageMoment], None]]:
        """Nothing is shown."""
        yield lambda _: None

    def agrees(self, _plan: Sequence[str], _question: str) -> bool:
        """As the command line said."""
        return self._yes

    def note(self, _line: str) -> None:
        """Nothing is shown."""


class LineAudience:
    """One line for each thing that happened. `yes` is the answer to every question."""

    def __init__(self, *, yes: bool) -> None:
        self._yes = yes

    @contextmanager
    def step(self, doing: str) -> Iterator[_Step]:
        """A line with a tick once it is done."""
        step = _Step()
        yield step
        _say(f"✓ {doing:<{_STEP_WIDTH}} {step.text}")

    @contextmanager
    def play(self, _bill: Bill) -> Iterator[Callable[[Moment], None]]:
        """A line now and then, and a last one."""
        shown_s = time.monotonic()
        last: Moment | None = None

        def show(moment: Moment) -> None:
            nonlocal shown_s, last
            last = moment
            if time.monotonic() - shown_s >= LINE_INTERVAL_S:
                shown_s = time.monotonic()
                _say(f"  {_state(moment)}")

        yield show
        if last is not None:
            _say(f"✓ {'Play them through the gate':<{_STEP_WIDTH}} {_state(last)}")

    @contextmanager
    def outage(self, _plan: OutagePlan) -> Iterator[Callable[[OutageMoment], None]]:
        """A line for everything that happens, and one now and then for how it stands."""
        told, shown_s = 0, time.monotonic()

        def show(moment: OutageMoment) -> None:
            nonlocal told, shown_s
            for event in moment.events[told:]:
                _say(event_line(event))
            told = len(moment.events)
            if time.monotonic() - shown_s >= LINE_INTERVAL_S:
                shown_s = time.monotonic()
                _say(f"{moment.at_s:6.1f} s    {state_line(moment)}")

        yield show

    def agrees(self, plan: Sequence[str], question: str) -> bool:
        """The plan is shown; nobody is there to be asked."""
        for line in plan:
            _say(f"  {line}")
        _say(f"{question} {'yes (--yes)' if self._yes else 'no (--yes was not given)'}")
        return self._yes

    def note(self, line: str) -> None:
        """A line."""
        _say(f"  {line}")


class TerminalAudience:
    """Ticks, a spinner, and the live picture."""

    def __init__(self, console: Any, *, yes: bool) -> None:  # noqa: ANN401 - rich is imported only when it is shown
        self._console = console
        self._yes = yes

    @contextmanager
    def step(self, doing: str) -> Iterator[_Step]:
        """A spinner while it is done, a tick afterwards, a cross if it failed."""
        from rich.text import Text

        began_s = time.monotonic()
        with self._console.status(Text(doing), spinner="dots", spinner_style="cyan") as status:
            step = _Step(lambda share: status.update(Text(f"{doing}  {share:.0%}")))
            try:
                yield step
            except BaseException:
                status.stop()
                self._console.print(Text.assemble((" ✗ ", "red"), doing))
                raise
        seconds = time.monotonic() - began_s
        line = Text.assemble((" ✓ ", "green"), f"{doing:<{_STEP_WIDTH}} ", (one_line(step.text), "dim"))
        line.append(f"  {seconds:.1f} s" if seconds >= 1 else "", "dim")
        self._console.print(line, no_wrap=True, overflow="ellipsis")

    @contextmanager
    def play(self, bill: Bill) -> Iterator[Callable[[Moment], None]]:
        """The live picture; its last state stays on the screen."""
        from rich.live import Live

        view = PlayView(bill)
        drawn_s = 0.0
        last: Moment | None = None
        self._console.print()
        with Live(console=self._console, auto_refresh=False) as live:

            def draw(moment: Moment) -> None:
                size = self._console.size
                live.update(view.draw(moment, size.width, size.height), refresh=True)

            def show(moment: Moment) -> None:
                nonlocal drawn_s, last
                last = moment
                view.take(moment)
                if time.monotonic() - drawn_s >= REDRAW_INTERVAL_S:
                    drawn_s = time.monotonic()
                    draw(moment)

            yield show
            if last is not None:
                draw(last)

    @contextmanager
    def outage(self, plan: OutagePlan) -> Iterator[Callable[[OutageMoment], None]]:
        """The live picture; its last state stays on the screen."""
        from rich.live import Live

        view = OutageView(plan)
        drawn_s = 0.0
        self._console.print()
        with Live(console=self._console, auto_refresh=False) as live:

            def show(moment: OutageMoment) -> None:
                nonlocal drawn_s
                view.take(moment)
                if time.monotonic() - drawn_s >= REDRAW_INTERVAL_S:
                    drawn_s = time.monotonic()
                    size = self._console.size
                    live.update(view.draw(moment, size.width, size.height), refresh=True)

            yield show

    def agrees(self, plan: Sequence[str], question: str) -> bool:
        """The plan, and the question."""
        for line in plan:
            say(f"   {line}")
        return self._yes or typer.confirm(f" {question}", default=False)

    def note(self, line: str) -> None:
        """A quiet line."""
        from rich.padding import Padding
        from rich.text import Text

        self._console.print(Padding(Text(one_line(line), style="dim italic"), (0, 0, 0, 3)))


def _state(moment: Moment) -> str:
    gate = moment.gate
    return (
        f"{moment.at_s:5.1f} s  sent {cell_text(moment.sent)}  judged {cell_text(gate.judged)}  "
        f"passed {cell_text(gate.passed)}  held {cell_text(gate.held)} ({gate.held_share:.1%})"
    )


def _say(line: str) -> None:
    say(line)
    sys.stdout.flush()
