"""What a person sees of a running gate: a live table in a terminal, log lines elsewhere."""

from __future__ import annotations

import time
from typing import Any

from watermaster.cli.output import cell_text, one_line
from watermaster.runtime.gate_statistics import Condition, GateStatistics, StreamCounts

LINE_INTERVAL_S = 10.0
REDRAW_INTERVAL_S = 0.25


class LogView:
    """One structured line every ten seconds, and one for each condition that begins or ends."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - structlog's loggers have no common type
        self._log = log
        self._printed_s = 0.0
        self._known: dict[str, Condition] = {}
        self._restarts = 0

    def __enter__(self) -> LogView:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, statistics: GateStatistics) -> None:
        """Print what is new."""
        if statistics.restarts > self._restarts:
            self._restarts = statistics.restarts
            cause = statistics.last_words or "no last words"
            self._log.warning("a worker died and was started again", restarts=self._restarts, cause=cause)
        now = {f"{c.name}/{c.since_ms}": c for c in statistics.conditions()}
        for key in now.keys() - self._known.keys():
            condition = now[key]
            self._log.warning("condition", code=condition.code, message=condition.message, hint=condition.hint)
        for key in self._known.keys() - now.keys():
            self._log.info("condition ended", code=self._known[key].code, name=self._known[key].name)
        self._known = now
        if time.monotonic() - self._printed_s >= LINE_INTERVAL_S:
            self.finish(statistics)

    def finish(self, statistics: GateStatistics) -> None:
        """Print the totals."""
        self._printed_s = time.monotonic()
        lags = statistics.lags()
        for topic, counts in statistics.streams().items():
            self._log.info(
                "judged",
                stream=topic,
                read=counts.read,
                passed=counts.passed,
                held=counts.held,
                dropped=counts.dropped,
                lag=lags.get(topic),
                activation=counts.activation,
            )


class LiveView:
    """A table that renews itself, with the conditions below it."""

    def __init__(self, console: Any) -> None:  # noqa: ANN401 - rich is imported only when something is shown
        from rich.live import Live

        self._live = Live(console=console, refresh_per_second=4, transient=False)
        self._drawn_s = 0.0
        self._last: dict[str, tuple[float, int]] = {}
        self._rates: dict[str, float] = {}

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, statistics: GateStatistics) -> None:
        """Redraw now and then."""
        if time.monotonic() - self._drawn_s >= REDRAW_INTERVAL_S:
            self.finish(statistics)

    def finish(self, statistics: GateStatistics) -> None:
        """Redraw."""
        self._drawn_s = time.monotonic()
        self._live.update(self._draw(statistics))

    def _draw(self, statistics: GateStatistics) -> Any:  # noqa: ANN401 - as above
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text(f"gate {statistics.gate}", style="bold"), title_justify="left", box=None)
        for name in ("stream", "records/s", "read", "passed", "held", "held %", "lag", "contract"):
            table.add_column(name, justify="left" if name == "stream" else "right", header_style="dim")
        lags = statistics.lags()
        streams = statistics.streams()
        for topic, counts in streams.items():
            share = 100 * counts.held / counts.read if counts.read else 0.0
            cells = (topic, int(self._rate(topic, counts)), counts.read, counts.passed, counts.held)
            table.add_row(
                *(Text(cell_text(cell)) for cell in cells),
                Text(f"{share:.2f}", style="yellow" if counts.held else ""),
                Text(cell_text(lags.get(topic))),
                Text(f"#{counts.activation}"),
            )
        lines = [
            Text(f"{c.code}: {one_line(c.message)}\n  {one_line(c.hint)}", style="red") for c in statistics.conditions()
        ]
        if not streams:
            lines.append(Text("waiting for records; Ctrl-C stops", style="dim"))
        return Group(table, *lines)

    def _rate(self, topic: str, counts: StreamCounts) -> float:
        now_s = time.monotonic()
        since_s, read = self._last.get(topic, (now_s, counts.read))
        if now_s - since_s >= 1.0 or topic not in self._last:
            self._rates[topic] = (counts.read - read) / (now_s - since_s) if now_s > since_s else 0.0
            self._last[topic] = (now_s, counts.read)
        return self._rates.get(topic, 0.0)
