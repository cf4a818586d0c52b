"""The live picture of the demonstration: the stream's way through the gate, its rate, and why records are held."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from watermaster.cli.demo_text import bar, counted, curve, first_sentence, value_of
from watermaster.cli.output import one_line
from watermaster.runtime.demo import Bill, HeldRecord, Moment, Phase

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

WIDTH_MAX: Final = 112
"""Beyond this the parts of the picture drift apart."""
ROOMY_LINES: Final = 28
"""With fewer lines the blank ones between the parts are left out."""
REASONS_SHOWN_MAX: Final = 4
BUCKET_S: Final = 0.5
"""Of one column of the rate's curve; the gate tells its counts four times a second."""
BUCKETS_MAX: Final = 60

_PHASES: Final = {
    Phase.SLOW: "slowly, so that you can watch",
    Phase.FAST: "the rest, as fast as it goes",
    Phase.DRAIN: "all sent, judging what waits",
}
_STEPS_PER_S: Final = 8.0
"""Of the dots that run along the arrows."""


class PlayView:
    """Remembers what a curve needs, and draws. Colours only repeat what words and signs say."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        self._rates: deque[float] = deque(maxlen=BUCKETS_MAX)
        self._bucket_s = 0.0
        self._bucket_judged = 0

    def take(self, moment: Moment) -> None:
        """Note the rate."""
        passed_s = moment.at_s - self._bucket_s
        if passed_s >= BUCKET_S:
            self._rates.append((moment.gate.judged - self._bucket_judged) / passed_s)
            self._bucket_s, self._bucket_judged = moment.at_s, moment.gate.judged

    def draw(self, moment: Moment, width: int, height: int) -> Group:
        """The picture, for a terminal of so many columns and lines."""
        from rich.console import Group
        from rich.text import Text

        width = min(width, WIDTH_MAX) - 2
        parts = [
            self._diagram(moment, width),
            self._figures(moment, width),
            self._reasons(moment, width),
            self._newest(moment.newest_held, width),
            [self._progress(moment, width)],
        ]
        blank = [Text()] if height >= ROOMY_LINES else []
        lines = [line for part in parts if part for line in (*part, *blank)]
        lines += [Text(f" ! {one_line(trouble)}", style="red") for trouble in moment.gate.troubles]
        for line in lines:
            line.truncate(width + 1, overflow="ellipsis")
        return Group(*lines[: height - 1])

    # --- the stream's way ---------------------------------------------------------------------------------------

    def _diagram(self, moment: Moment, width: int) -> list[Text]:
        """Landing, gate, and at the right trusted above quarantine; six lines, with arrows between."""
        from rich.text import Text

        gate, topics = moment.gate, self._bill.topics
        box = max(18, min(28, (width - 14) // 3))
        arrow = max(6, min(12, (width - 3 * box) // 2))
        number = f"activation {gate.activation}" if gate.activation else "waiting for records"
        left = _box(topics["landing"], (f"{counted(moment.sent)} sent", f"{counted(moment.waiting)} waiting"), box, "")
        middle = _box("GATE", (self._bill.contract, number), box, "cyan")
        right = [
            *_box(topics["trusted"], (f"{counted(gate.passed)} passed",), box, "green"),
            *_box(topics["quarantine"], (f"{counted(gate.held)} held",), box, "yellow"),
        ]
        nothing = Text(" " * box)
        step = int(moment.at_s * _STEPS_PER_S) if moment.sent else -1
        arrows = zip(
            _inflow(arrow, step if moment.phase is not Phase.DRAIN else -1), _outflow(arrow, step), strict=True
        )
        columns = zip((nothing, *left, nothing), (nothing, *middle, nothing), right, arrows, strict=True)
        return [
            Text.assemble(" ", first, before, judge, after, last) for first, judge, last, (before, after) in columns
        ]

    # --- figures ------------------------------------------------------------------------------------------------

    def _figures(self, moment: Moment, width: int) -> list[Text]:
        from rich.text import Text

        budget, share = self._bill.hold_budget, moment.gate.held_share
        rate = self._rates[-1] if self._rates else 0.0
        columns = max(10, width - 48)
        now = f"{counted(int(rate))} records/s"
        held = f"{share:.1%} held"
        return [
            Text.assemble((" rate  ", "dim"), f"{now:<18}", (curve(list(self._rates)[-columns:]), "cyan")),
            Text.assemble(
                (" share ", "dim"),
                f"{held:<18}",
                (bar(share / budget, 20), "yellow"),
                (f" of {budget:.0%}, where the gate pauses", "dim"),
            ),
        ]

    def _reasons(self, moment: Moment, width: int) -> list[Text]:
        from rich.text import Text

        ranked = sorted(moment.gate.rules.items(), key=lambda item: (-item[1], item[0]))[:REASONS_SHOWN_MAX]
        lines = [Text(" why records are held", style="bold")]
        most = ranked[0][1] if ranked else 1
        for rule, records in ranked:
            why = first_sentence(self._bill.explanations.get(rule, ""))
            lines.append(
                Text.assemble(
                    f" {counted(records):>7} ",
                    (bar(records / most, 8), "yellow"),
                    f" {one_line(rule):<20} ",
                    (why, "dim"),
                )
            )
        while len(lines) <= REASONS_SHOWN_MAX:
            lines.append(Text(" " if ranked else " none yet", style="dim"))
            ranked = ranked or [("", 0)]
        for line in lines:
            line.truncate(width + 1, overflow="ellipsis")
        return lines

    def _newest(self, held: HeldRecord | None, width: int) -> list[Text]:
        from rich.text import Text

        title = Text(" the newest in quarantine", style="bold")
        if held is None:
            return [title, Text(" none yet", style="dim"), Text()]
        title.append(f"  {held.source_topic}[{held.source_partition}] @ {counted(held.source_offset)}", "dim")
        rule, message = held.broken[0] if held.broken else ("", "")
        what = Text.assemble(
            " ", one_line((held.key or b"").decode("utf-8", "replace"), length_max=40), "  ", (one_line(rule), "yellow")
        )
        what.append(f"  {first_sentence(one_line(message))}", "dim")
        found = value_of(held, rule)
        detail = Text.assemble(" ", (one_line(found, length_max=width), "")) if found else Text()
        return [title, what, detail]

    def _progress(self, moment: Moment, width: int) -> Text:
        from rich.text import Text

        phase = "all judged" if moment.gate.judged >= moment.total else _PHASES[moment.phase]
        figures = f" {counted(moment.gate.judged)} of {counted(moment.total)}  {phase}"
        long = max(10, width - len(figures) - 1)
        done = moment.gate.judged / moment.total if moment.total else 1.0
        full = round(done * long)
        return Text.assemble(" ", ("━" * full, "cyan"), ("─" * (long - full), "dim"), (figures, ""))


def _box(title: str, lines: tuple[str, ...], width: int, style: str) -> list[Text]:
    """A frame with its title in the upper edge."""
    from rich.text import Text

    inner = width - 4
    shown = one_line(title, length_max=inner - 2)
    rows = [Text.assemble(("╭─ ", style), (shown, f"bold {style}"), (f" {'─' * (inner - len(shown) - 1)}╮", style))]
    for line in lines:
        rows.append(Text.assemble(("│ ", style), f"{line[:inner]:<{inner}}", (" │", style)))
    return [*rows, Text(f"╰{'─' * (width - 2)}╯", style=style)]


def _inflow(width: int, step: int) -> list[Text]:
    """From landing to the gate: an arrow on the third of six lines."""
    from rich.text import Text

    blank = Text(" " * width)
    return [blank, blank, Text(_running(f" {'─' * (width - 3)}▶ ", step), style="dim"), blank, blank, blank]


def _outflow(width: int, step: int) -> list[Text]:
    """From the gate to trusted (upwards) and to quarantine (downwards)."""
    from rich.text import Text

    stem = width // 3
    gap = " " * (width - stem - 1)
    line = "─" * (width - stem - 3)
    return [
        Text(" " * width),
        Text(_running(f"{' ' * stem}╭{line}▶ ", step), style="green"),
        Text(f" {'─' * (stem - 1)}┤{gap}", style="dim"),
        Text(f"{' ' * stem}│{gap}", style="dim"),
        Text(_running(f"{' ' * stem}╰{line}▶ ", step // 4 if step >= 0 else step), style="yellow"),
        Text(" " * width),
    ]


def _running(line: str, step: int) -> str:
    """The line with a dot on it that moves to the right; without one where `step` is below zero."""
    places = [index for index, sign in enumerate(line) if sign == "─"]
    if step < 0 or not places:
        return line
    at = places[step % len(places)]
    return f"{line[:at]}•{line[at + 1 :]}"
