"""One look at all checks: which of them have changed, and telling it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from streamgauge.model import Level
from streamgauge_dagster.reports import is_report, newest_rows, recorded_seconds
from streamgauge_dagster.sensors.alert import Alert
from streamgauge_dagster.sensors.cursor import read_cursor, write_cursor
from streamgauge_dagster.sensors.level import level_of
from streamgauge_dagster.sensors.webhook import WebhookError
from streamgauge_dagster.sensors.words import some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import dagster as dg

    Reported = tuple[dg.AssetCheckEvaluation, float]
    """An evaluation, and when it was recorded (seconds)."""

_FORM: Final = 1
POST_SECONDS: Final = 30.0
"""A tick posts for so long; what is left is told by the next one. Dagster gives up a tick after
60 s."""


class Tick:
    """One look at all checks.

    What could not be told stays untold, and the next tick tells it as it is then.

    Args:
        instance: where the checks are reported.
        cursor: of the tick before.
        bad: levels that are told; any other is recovery from one of them.

    Raises:
        CursorError: somebody else has set the cursor.
    """

    def __init__(
        self, instance: dg.DagsterInstance, cursor: str | None, bad: Iterable[Level]
    ) -> None:
        self._instance = instance
        self._bad = frozenset(bad)
        self._told: dict[str, tuple[int, str | None]] = {
            name: (read_to, level)
            for name, (read_to, level) in read_cursor(cursor, _FORM).get("told", {}).items()
        }
        self._posted: list[str] = []
        self._waiting = 0
        self._trouble = ""

    def tell(
        self,
        checks: Sequence[dg.AssetCheckKey],
        post: Callable[[Alert], None],
        clock: Callable[[], float],
    ) -> None:
        """Tell what has changed since the tick before.

        Args:
            checks: that are followed.
            post: tells one alert, or raises `WebhookError`.
            clock: seconds that grow evenly, for the limit of a tick.
        """
        storage = self._instance.event_log_storage
        newest = storage.get_latest_asset_check_execution_by_key(list(checks))
        began = clock()
        for check in checks:
            row, name = newest.get(check), check.to_user_string()
            read_to, level = self._told.get(name, (0, None))
            if row is None or row.id <= read_to:
                continue
            alert = self._alert(check, level, self._since(check, read_to))
            if alert is None:
                self._told[name] = (row.id, level)
            elif self._trouble or clock() - began > POST_SECONDS:
                self._waiting += 1
            elif self._post(alert, post):
                self._told[name] = (row.id, alert.level.value)
        known = {check.to_user_string() for check in checks}
        self._told = {name: told for name, told in self._told.items() if name in known}

    def in_words(self) -> str:
        """What this tick did; Dagster shows it as the reason why nothing was launched."""
        parts = []
        if self._posted:
            parts.append(f"Told: {some(self._posted)}.")
        if self._trouble:
            parts.append(f"Not told: {self._trouble}.")
        if self._waiting:
            parts.append(f"{self._waiting} more changes wait for the next tick.")
        return " ".join(parts) or "No check has changed."

    def cursor(self) -> str:
        """The cursor of the next tick."""
        return write_cursor(_FORM, told=self._told)

    def _post(self, alert: Alert, post: Callable[[Alert], None]) -> bool:
        what = f"{alert.check.to_user_string()} says {alert.level.value}"
        try:
            post(alert)
        except WebhookError as error:
            self._trouble = f"{what}, because {error}"
            return False
        self._posted.append(what)
        return True

    def _alert(
        self, check: dg.AssetCheckKey, told: str | None, reported: Sequence[Reported]
    ) -> Alert | None:
        """What there is to tell, None if the check stands where it stood."""
        if not reported:
            return None
        before = None if told is None else Level(told)
        standings = [
            level if level in self._bad else None
            for level in (before, *(level_of(evaluation) for evaluation, _ in reported))
        ]
        changes = sum(one is not other for one, other in pairwise(standings))
        if not changes:
            return None
        evaluation, at_seconds = reported[-1]
        return Alert(check, before, level_of(evaluation), changes, evaluation, at_seconds)

    def _since(self, check: dg.AssetCheckKey, read_to: int) -> list[Reported]:
        """What was reported since, the oldest first; where nothing was read yet, the newest."""
        found: list[Reported] = []
        for reported in self._newest_first(check, read_to):
            found.append(reported)
            if not read_to:
                break
        return found[::-1]

    def _newest_first(self, check: dg.AssetCheckKey, read_to: int) -> Iterator[Reported]:
        for row in newest_rows(self._instance, check):
            if row.id <= read_to:
                return
            evaluation = row.evaluation
            if evaluation is not None and is_report(row.run_id, evaluation):
                yield evaluation, recorded_seconds(row)
