"""How much arrived that no run was launched for, added up from totals that only grow.

A report that is stored twice, late or not at all changes nothing: of each life the greatest total
counts, and what it has grown by since the last launch is pending. Lives are added up, so nothing is
lost where one ends and another begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamgauge_dagster.sensors.reported import Report

LIVES_MAX: Final = 20
"""Lives that are told apart; what older ones had pending stays pending."""


@dataclass(slots=True)
class Life:
    """What is known of one life."""

    total: int = 0
    """The greatest that was reported."""
    launched: int = 0
    """The total that runs were launched for."""

    @property
    def pending(self) -> int:
        """What came after the last launch."""
        return max(0, self.total - self.launched)


@dataclass(slots=True)
class Pending:
    """What is pending of one stream."""

    lives: dict[str, Life] = field(default_factory=dict)
    """In the order in which they were seen first."""
    of_older_lives: int = 0

    @property
    def count(self) -> int:
        """Records that no run was launched for."""
        return self.of_older_lives + sum(each.pending for each in self.lives.values())

    @property
    def totals(self) -> dict[str, int]:
        """The greatest total of each life."""
        return {name: each.total for name, each in self.lives.items()}

    def take_in(self, report: Report) -> None:
        """Take in a report, in any order and however often."""
        life = self.lives.setdefault(report.life, Life())
        life.total = max(life.total, report.total)
        while len(self.lives) > LIVES_MAX:
            self.of_older_lives += self.lives.pop(next(iter(self.lives))).pending

    def launch(self) -> None:
        """A run is launched for all that is pending."""
        self.was_launched(self.totals)
        self.of_older_lives = 0

    def was_launched(self, totals: Mapping[str, int]) -> None:
        """A run was launched for these totals by life."""
        for name, total in totals.items():
            life = self.lives.setdefault(name, Life())
            life.launched = max(life.launched, total)
