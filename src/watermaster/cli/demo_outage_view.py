"""The outage for people: a live picture that counts down, lines for a log, and the ending."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from watermaster.cli import incident_view
from watermaster.cli.demo_text import bar, counted, curve
from watermaster.cli.output import console, duration, one_line, plain, say

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from watermaster.runtime.outage import Event, OutageMoment, OutagePlan, OutageResult

WIDTH_MAX: Final = 112
EVENTS_SHOWN: Final = 12
BUCKET_S: Final = 1.0
ALARMS_MAX: Final = 5
BAR_WIDTH: Final = 30
_WHO_WIDTH: Final = 9
NEXT_STEPS: Final = (
    ("watermaster init --bootstrap HOST:9092 --client-config FILE", "look at your own cluster; read-only"),
    ("watermaster status --horizon", "how long until something unread is lost"),
    ("watermaster status --watch", "the same as a live page"),
    ("watermaster monitor", "incidents and pages"),
    ("watermaster extend TOPIC --for 24h", "keep it for longer; without --yes only the plan"),
)


def event_line(event: Event) -> str:
    """One line of a log."""
    return f"{event.at_s:6.1f} s  {event.who:<{_WHO_WIDTH}} {one_line(event.text, length_max=400)}"


def state_line(moment: OutageMoment) -> str:
    """How it stands, in one line."""
    unread = "unknown" if moment.sight.unread is None else counted(moment.sight.unread)
    return f"{_left(moment)}; {unread} unread; the consumer is {moment.sight.condition}; {_alarms(moment)}"


class OutageView:
    """Remembers what a curve needs, and draws. Colours only repeat what words and signs say."""

    def __init__(self, plan: OutagePlan) -> None:
        self._plan = plan
        self._unread: deque[float] = deque(maxlen=WIDTH_MAX)
        self._bucket_s = 0.0

    def take(self, moment: OutageMoment) -> None:
        """Note what is unread."""
        if moment.at_s - self._bucket_s >= BUCKET_S and moment.sight.unread is not None:
            self._bucket_s = moment.at_s
            self._unread.append(float(moment.sight.unread))

    def draw(self, moment: OutageMoment, width: int, height: int) -> Group:
        """The picture, for a terminal of so many columns and lines."""
        from rich.console import Group
        from rich.text import Text

        width = min(width, WIDTH_MAX) - 2
        sight, retention_ms = moment.sight, self._plan.retention_ms
        share = 1.0 if moment.left_ms is None else min(1.0, moment.left_ms / retention_ms)
        style = "green" if share > 0.75 else "yellow" if share > 0.3 else "bold red"  # noqa: PLR2004 - as alarms rise
        unread = "unknown" if sight.unread is None else counted(sight.unread)
        room = max(10, width - 28)
        lines = [
            Text.assemble((" loss horizon ", "dim"), (bar(share, BAR_WIDTH), style), f"  {_left(moment)}"),
            Text.assemble((" unread       ", "dim"), f"{unread:<12}", (curve(list(self._unread)[-room:]), "cyan")),
            Text.assemble((" consumer     ", "dim"), sight.condition, ("  ", ""), (_ending(moment), "dim")),
            Text.assemble((" alarms       ", "dim"), (_signs(sight.alarms), "bold red"), f"  {_alarms(moment)}"),
            Text(),
        ]
        shown = moment.events[-min(EVENTS_SHOWN, max(1, height - len(lines) - 2)) :]
        lines += [_event(event) for event in shown]
        for line in lines:
            line.truncate(width + 1, overflow="ellipsis")
        return Group(*lines)


def _event(event: Event) -> Text:
    from rich.text import Text

    style = {"on-call": "cyan", "page": "bold red", "monitor": "yellow", "kafka": "red"}.get(event.who, "")
    return Text.assemble(
        (f"{event.at_s:6.1f} s ", "dim"), (f"{event.who:<{_WHO_WIDTH}} ", style), one_line(event.text, length_max=400)
    )


def _left(moment: OutageMoment) -> str:
    return "nothing threatens" if moment.left_ms is None else f"nothing is lost for {duration(round(moment.left_ms))}"


def _alarms(moment: OutageMoment) -> str:
    incident = moment.sight.incident
    if incident is None:
        return "no incident"
    return f"incident {incident.number}, {incident.alarms} of {ALARMS_MAX} alarms, {incident.state.value}"


def _signs(alarms: int) -> str:
    return "!" * alarms + "·" * (ALARMS_MAX - alarms)


def _ending(moment: OutageMoment) -> str:
    left_ms = moment.sight.caught_up_in_ms
    return "" if not left_ms or not moment.sight.unread else f"caught up in {duration(left_ms)}, if it goes on so"


# --- the ending -------------------------------------------------------------------------------------------------


def show_outage(result: OutageResult) -> None:
    """What was proved, the incident as `incident show` prints it, and what to do next."""
    from rich.text import Text

    out = console()
    out.print()
    out.print(Text(" What it came to", style="bold"))
    for line in _findings(result):
        say(f" {line}")
    out.print()
    out.print(Text(f" The incident, as `watermaster incident show {result.incident.number}` prints it", style="bold"))
    incident_view.show(result.incident, result.incident.seen_ms)
    out.print()
    out.print(Text(" On your own cluster", style="bold"))
    for command, what in NEXT_STEPS:
        out.print(Text.assemble(f" {command:<60}", (what, "dim")), soft_wrap=True)


def outage_document(result: OutageResult) -> dict[str, Any]:
    """The same for scripts."""
    return {**plain(result), "saved": result.saved, "next": [command for command, _ in NEXT_STEPS]}


def _findings(result: OutageResult) -> list[str]:
    account = result.account
    forecast = "no forecast" if result.forecast_s is None else f"forecast {result.forecast_s:.0f} s"
    sign = "✓" if account.read == account.written and not account.missing else "✗"
    return [
        f"{sign} read {counted(account.read)} of {counted(account.written)} records, {account.missing} missing",
        f"· without `extend` {counted(result.gone_elsewhere)} of them and more were gone: "
        "Kafka deleted them from a topic with the same records",
        f"· the consumer stood {result.down_s:.0f} s, of {result.retention_s:.0f} s that the topic keeps records; "
        f"{result.left_s:.0f} s were left when it was extended",
        f"· caught up {result.caught_up_s:.0f} s after its return, {forecast}",
        f"{'✓' if result.saved else '✗'} incident {result.incident.number} is {result.incident.state.value}; "
        f"{len(result.pages)} pages arrived",
    ]
