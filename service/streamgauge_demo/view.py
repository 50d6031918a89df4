"""What a person sees of the demo: one live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streamgauge_demo.narration import narrate
from streamgauge_demo.play import ORDERS

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType

    from streamgauge_demo.play import Moment

_COLOURS: Final = {"pass": "green", "warn": "yellow", "fail": "bold red", "unknown": "magenta"}
_WORST_FIRST: Final = ("fail", "warn", "unknown", "pass")
_MOST_CHECKS: Final = 5
"""Shown at once, the worst first."""
_PICTURE_LINES: Final = 17
"""Of the frame, the progress, two groups, five checks and how many more there are."""
_FRAME_COLUMNS: Final = 4
_LEAST_LINES: Final = 3
_REFRESHES_PER_SECOND: Final = 4
_BAR_WIDTH: Final = 30


class View:
    """Shows moments and sentences until its context is left.

    Args:
        console: where to; a picture is drawn if that is a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console: Final = console
        self._began: Final = time.monotonic()
        self._before: Moment | None = None
        self._said: list[Text] = []
        self._live = (
            Live(console=console, refresh_per_second=_REFRESHES_PER_SECOND, transient=True)
            if console.is_terminal
            else None
        )

    def say(self, sentence: str) -> None:
        """Tell a sentence, with the seconds since the demo began."""
        seconds = time.monotonic() - self._began
        line = Text.assemble((f"{seconds:5.1f} s  ", "dim"), sentence)
        if self._live is None:
            self._console.print(line, soft_wrap=True)
        else:
            self._said.append(line)
            self._draw()

    def show(self, moment: Moment) -> None:
        """Tell what is new since the moment before."""
        for sentence in narrate(self._before, moment):
            self.say(sentence)
        self._before = moment
        self._draw()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the sentences on the terminal, where the picture was."""
        if self._live is not None:
            self._live.stop()
            for line in self._said:
                self._console.print(line, soft_wrap=True)

    def _draw(self) -> None:
        if self._live is None:
            return
        moment = self._before
        parts: list[RenderableType] = []
        if moment is not None and moment.status:
            parts += [_progress(moment), Text(), _groups(moment), Text(), _checks(moment), Text()]
        parts += self._newest()
        self._live.update(Panel(Group(*parts), title="streamgauge demo", title_align="left"))

    def _newest(self) -> list[Text]:
        """The newest sentences that have room; the newest one whole, the others a line each."""
        room = max(_LEAST_LINES, self._console.height - _PICTURE_LINES)
        width = max(1, self._console.width - _FRAME_COLUMNS)
        newest = self._said[-1:]
        room -= sum(-(-len(line) // width) for line in newest)
        older = self._said[max(0, len(self._said) - 1 - max(0, room)) : -1]
        cut = [line.copy() for line in older]
        for line in cut:
            line.truncate(width, overflow="ellipsis")
        return [*cut, *newest]


def _progress(moment: Moment) -> Group:
    told = moment.status["totals"]
    letters = sum(topic["dead_letters"] for topic in moment.status["dead_letters"].values())
    age_seconds = told["arrival_ages"]["p99_seconds"]
    age = "unknown" if age_seconds is None else f"{age_seconds:.3g} s"
    row = Table.grid(padding=(0, 2))
    row.add_row(
        Text(moment.phase or "", style="bold"),
        ProgressBar(total=ORDERS, completed=moment.sent, width=_BAR_WIDTH),
        f"{moment.sent} of {ORDERS} orders sent",
    )
    counted = (
        f"{told['records']} counted by the gauge, arrival age p99 {age}, {letters} dead letters"
    )
    return Group(row, Text(counted, no_wrap=True, overflow="ellipsis"))


def _groups(moment: Moment) -> Table:
    table = Table.grid(padding=(0, 2))
    for group, lag in moment.lags.items():
        bar = ProgressBar(total=300, completed=min(lag or 0, 300), width=_BAR_WIDTH)
        table.add_row(group, bar, "lag unknown" if lag is None else f"{lag} orders to read")
    return table


def _checks(moment: Moment) -> Table:
    table = Table.grid(padding=(0, 2))
    checks = moment.checks.items()
    worst = sorted(checks, key=lambda each: _WORST_FIRST.index(each[1]["level"]))
    for name, check in worst[:_MOST_CHECKS]:
        level = check["level"]
        reason = Text(check["reason"], no_wrap=True, overflow="ellipsis")
        table.add_row(name, Text(level, style=_COLOURS[level]), reason)
    if len(worst) > _MOST_CHECKS:
        table.add_row(f"and {len(worst) - _MOST_CHECKS} more")
    return table
