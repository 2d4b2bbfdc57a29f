"""The demonstration in the terminal: what time it is there, how much goes through, who waits, and the alerts as sentences.

A terminal gets one picture that is drawn again twice a second; anything else (a pipe, a file) gets plain lines.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from jobs.tail import sentence, when
from udfs.incidents import Incident
from udfs.summaries import duration

REFRESH_PER_S = 2
PLAIN_EVERY_S = 5.0
RATE_OVER_S = 5.0
ALERTS_KEPT = 60
INDENT = " " * 9  # of an alert's further lines: as wide as its time
INCIDENTS = {
    "agent_silent": "an agent has gone silent",
    "queue_slow": "a queue has slowed down",
    "promotion_flood": "a promotion floods the shop",
    "rude_agent": "an agent is rude",
    "angry_customers": "customers are angry",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What is shown of one moment; counts since the beginning; None where it is not known yet.

    `lag` in records, `behind_ms` in the time of the messages.
    """

    now_ms: int
    state: str
    messages: int
    sessions: int
    lag: int | None
    behind_ms: int | None
    open_conversations: int | None
    alerts: int
    dead_letters: int
    duplicates: int
    late: int
    ending: bool


class LiveView:
    """A context manager; `alert` and `show` may be called as often as one likes. `quiet`: no plain lines."""

    def __init__(self, console: Console, zone: str, speed: float, quiet: bool = False) -> None:
        self._console = console
        self._zone = ZoneInfo(zone)
        self._speed = speed
        self._plain = not console.is_terminal or console.is_dumb_terminal
        self._quiet = quiet
        self._live: Live | None = None
        self._started = time.monotonic()
        self._figures: Figures | None = None
        self._incidents: Sequence[Incident] = ()
        self._history: deque[tuple[float, int, int]] = deque()
        self._recent: deque[Text] = deque(maxlen=ALERTS_KEPT)
        self._waits: dict[str, tuple[int, dict[str, Any]]] = {}
        self._next_line = 0.0

    def __enter__(self) -> LiveView:
        if not self._plain:
            self._live = Live(
                get_renderable=self._picture, console=self._console, refresh_per_second=REFRESH_PER_S, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, line: str) -> None:
        """A line for the record, above the picture."""
        self._console.print(line, style="dim")

    def alert(self, alert: dict[str, Any]) -> None:
        """An alert has come through Redis."""
        threshold = alert["threshold"] or {}
        if alert["status"] != "firing":
            self._waits.pop(alert["alert_id"], None)
        elif threshold.get("unit") == "ms":
            waited_since = round(when(alert).timestamp() * 1_000) - int(alert["observed"]["value"])
            self._waits[alert["alert_id"]] = waited_since, alert
        line = sentence(alert, self._zone)
        self._recent.append(line)
        if self._plain and not self._quiet:
            self._console.print(line, soft_wrap=True)

    def show(self, figures: Figures, incidents: Sequence[Incident]) -> None:
        """The figures have changed."""
        now = time.monotonic()
        self._figures = figures
        self._incidents = incidents
        if not self._history or now - self._history[-1][0] > 0.2:
            self._history.append((now, figures.messages, figures.sessions))
        while len(self._history) > 2 and now - self._history[0][0] > RATE_OVER_S:
            self._history.popleft()
        if self._plain and not self._quiet and now >= self._next_line:
            self._next_line = now + PLAIN_EVERY_S
            self._console.print(self._line(figures), style="dim", soft_wrap=True)

    def _rates(self) -> tuple[float, float]:
        (first, messages, sessions), (last, messages_now, sessions_now) = self._history[0], self._history[-1]
        seconds = max(last - first, 0.2)
        return (messages_now - messages) / seconds, (sessions_now - sessions) / seconds

    def _line(self, figures: Figures) -> str:
        messages, sessions = self._rates()
        return (
            f"{self._clock(figures.now_ms)}  {figures.messages} messages ({messages:.0f}/s), {figures.sessions} sessions "
            f"({sessions:.1f}/s), lag {_known(figures.lag)}, open {_known(figures.open_conversations)}, "
            f"{figures.alerts} alerts, {figures.dead_letters} dead letters" + (", ending" if figures.ending else "")
        )

    def _behind(self, figures: Figures) -> str:
        """How long ago what the job is looking at was written, in seconds on the wall; its figures are a second old."""
        if figures.behind_ms is None or not self._speed:
            return ""
        return f"{max(0.0, figures.behind_ms / 1_000 / self._speed):.1f} s"

    def _clock(self, at_ms: int) -> str:
        return f"{datetime.fromtimestamp(at_ms / 1_000, self._zone):%H:%M:%S}" if at_ms else "--:--:--"

    def _picture(self) -> RenderableType:
        figures = self._figures
        if figures is None:
            return Text("waiting for the first message …", style="dim")
        width, height = self._console.width, self._console.height - 1
        roomy = height >= 30
        top: list[RenderableType] = [self._header(figures), self._numbers(figures)]
        used = 1 + 3
        waiting = self._waiting(figures.now_ms, 5 if roomy else 3)
        top += [Rule("waits longest now", style="dim", align="left"), waiting]
        used += 1 + (5 if roomy else 3)
        if self._incidents:
            rows = 3 if roomy else 2
            top += [
                Rule("what goes wrong in the simulation", style="dim", align="left"),
                self._truth(figures.now_ms, rows),
            ]
            used += 1 + rows
        top.append(Rule("alerts, through Redis", style="dim", align="left"))
        return Group(*top, *self._newest_alerts(width, height - used - 2), self._footer(figures))

    def _header(self, figures: Figures) -> Text:
        date = f"{datetime.fromtimestamp(figures.now_ms / 1_000, self._zone):%Y-%m-%d}" if figures.now_ms else ""
        pace = f"speed {self._speed:g}×" if self._speed else "as fast as possible"
        seconds = int(time.monotonic() - self._started)
        return Text.assemble(
            ("ReplyWatch  ", "bold"), f"{date} ", (self._clock(figures.now_ms), "bold cyan"), f"  {pace}  ",
            (f"running {seconds // 60}:{seconds % 60:02}  job {figures.state}", "dim"),
            no_wrap=True, overflow="ellipsis",
        )  # fmt: skip

    def _numbers(self, figures: Figures) -> Table:
        messages, sessions = self._rates()
        table = Table.grid(expand=True, padding=(0, 1))
        for _ in range(3):
            table.add_column(no_wrap=True)
        cells = [
            ("messages", f"{figures.messages:,}", f"{messages:.0f}/s"),
            ("sessions", f"{figures.sessions:,}", f"{sessions:.1f}/s"),
            ("open", _known(figures.open_conversations), "conversations"),
            ("alerts", f"{figures.alerts:,}", f"{len(self._waits)} waiting"),
            ("lag", _known(figures.lag), f"records {self._behind(figures)}"),
            ("repeats", f"{figures.duplicates:,}", f"late {figures.late:,}"),
            ("dead letters", f"{figures.dead_letters:,}", ""),
        ]
        texts = [Text.assemble((f"{name} ", "dim"), (value, "bold"), f" {more}") for name, value, more in cells]
        for start in range(0, 9, 3):
            table.add_row(*texts[start : start + 3])
        return table

    def _waiting(self, now_ms: int, rows: int) -> RenderableType:
        """The longest open waits, one line a conversation."""
        oldest: dict[str, tuple[int, dict[str, Any]]] = {}
        for since, alert in self._waits.values():
            known = oldest.get(alert["conversation_id"])
            if known is None or since < known[0]:
                oldest[alert["conversation_id"]] = since, alert
        table = Table.grid(expand=True, padding=(0, 2))
        table.add_column(justify="right", no_wrap=True, width=11)
        table.add_column(no_wrap=True, ratio=2, overflow="ellipsis")
        table.add_column(no_wrap=True, ratio=2, overflow="ellipsis")
        table.add_column(no_wrap=True, ratio=2, overflow="ellipsis")
        longest = sorted(oldest.values(), key=lambda entry: entry[0])[:rows]
        for since, alert in longest:
            agent = alert["agent_id"] or "nobody yet"
            waited = Text(duration(max(0, now_ms - since)), style="bold yellow")
            names = (alert["conversation_id"], alert["queue"] or alert["shop"] or "", agent)
            table.add_row(waited, *map(Text, names))  # as they are: a bracket in them is no markup
        for _ in range(rows - len(longest)):
            table.add_row(
                "", "" if longest or table.row_count else Text("nobody longer than the limits", "dim"), "", ""
            )
        return table

    def _truth(self, now_ms: int, rows: int) -> RenderableType:
        table = Table.grid(expand=True, padding=(0, 2))
        table.add_column(no_wrap=True, width=8)
        table.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        latest = list(self._incidents)[-rows:]
        for incident in latest:
            over = incident.end_ms <= now_ms
            where = incident.agent_id or incident.queue or incident.shop
            state = "over" if over else "going on"
            text = f"{INCIDENTS.get(incident.kind, incident.kind)}: {where} ({state}, {len(incident.conversations)} touched)"
            table.add_row(self._clock(incident.start_ms), Text(text, "dim" if over else "magenta"))
        for _ in range(rows - len(latest)):
            table.add_row("", "")
        return table

    def _newest_alerts(self, width: int, height: int) -> list[Text]:
        """As many of the newest as fit, each whole, the newest last, and blank lines up to `height`."""
        lines: list[Text] = []
        for alert in reversed(self._recent):
            first, *rest = alert.wrap(self._console, max(width - len(INDENT), len(INDENT)))
            wrapped = [first, *(Text(INDENT).append_text(line) for line in rest)]
            if len(lines) + len(wrapped) > height:
                break
            lines = [*wrapped, *lines]
        return [*lines, *(Text("") for _ in range(height - len(lines)))]

    def _footer(self, figures: Figures) -> Text:
        if figures.ending:
            return Text("ending: open conversations run out; Ctrl-C again breaks off", style="bold", no_wrap=True)
        return Text("Ctrl-C: let the open conversations run out, then the summary", style="dim", no_wrap=True)


def _known(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
