"""The file of a scenario: what a check measured over time, and what it should have said."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from streamgauge.config.checks import Checks
from streamgauge.config.durations import Duration, duration
from streamgauge.config.errors import Problem, RuleError
from streamgauge.config.section import Section
from streamgauge.config.series import (
    MOST_STEPS_IN_ALL,
    Levels,
    OneLevel,
    Seen,
    Times,
    Value,
    Values,
    count_written,
)
from streamgauge.config.values import Moment, Text
from streamgauge.model import Level


class Step(Section, title="step"):
    """One evaluation."""

    at_ms: Duration
    """When, counted from the start."""
    value: Value
    """What was seen."""
    expect: OneLevel | None = None
    """The level that the check should tell."""


class Series(Section, title="series"):
    """What was seen at one evaluation after the other."""

    name: Text = "series"
    """What it is about, or why it is expected so."""
    at: Times | None = None
    """When each value was seen, counted from the start."""
    every_ms: Annotated[int, duration("1ms")] | None = None
    """In place of `at`: the time between two values, the first of which is at 0s."""
    values: Values | None = None
    """What was seen."""
    expect: Levels | None = None
    """The level that the check should tell each time."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)] | None = None
    """In place of all of these: one entry for each evaluation."""

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        problems = list(_series_problems(self))
        if problems:
            raise RuleError(problems)
        return self

    @property
    def seen(self) -> list[tuple[int, Seen]]:
        """Each time (ms from the start) with what was seen then."""
        if self.steps is not None:
            return [(step.at_ms, step.value) for step in self.steps]
        values, every_ms = self.values or (), self.every_ms or 0
        times = self.at or [number * every_ms for number in range(len(values))]
        return list(zip(times, values, strict=True))

    @property
    def expected(self) -> list[Level | None]:
        """What should be told each time; None where nobody says."""
        if self.steps is not None:
            return [step.expect for step in self.steps]
        return list(self.expect or [None] * len(self.values or ()))


def _series_problems(series: Series) -> Iterator[Problem]:
    if series.steps is not None:
        for key in ("at", "every", "values", "expect"):
            if getattr(series, "every_ms" if key == "every" else key) is not None:
                yield Problem((key,), "has no place beside steps: keep one of the two forms")
        return
    if series.values is None:
        yield Problem(("values",), "is missing: write what was seen, here or as steps")
        return
    if series.at is None and series.every_ms is None:
        yield Problem(("at",), "is missing: give the time of each value, or every in place of it")
    elif series.at is not None and series.every_ms is not None:
        yield Problem(("at",), "stands beside every: give one of the two")
    count = len(series.values)
    for key, given in (("at", series.at), ("expect", series.expect)):
        if given is not None and len(given) != count:
            yield Problem((key,), f"has {len(given)} entries, and there are {count} values")


def _steps(series: object) -> int:
    """Steps of a series as far as they can be counted in what is written."""
    if not isinstance(series, dict):
        return 0
    return max(count_written(series.get(key)) for key in ("at", "values", "expect", "steps"))


class Scenario(Section, title="scenario"):
    """Series of one check."""

    checks: Checks | None = None
    """The one check that is replayed, as in the configuration of a stream; without it the one that
    the command names."""
    start: Moment = 946_684_800_000
    """The time at 0s, which the reasons speak of; without it 2000-01-01T00:00:00Z."""
    series: Annotated[tuple[Series, ...], Field(min_length=1, max_length=1000)]
    """What was seen."""

    @model_validator(mode="before")
    @classmethod
    def _not_too_long(cls, written: object) -> object:
        """Before any of it is read: a few bytes may stand for many steps."""
        listed = written.get("series") if isinstance(written, dict) else None
        steps = 0
        for series in listed if isinstance(listed, list) else ():
            steps += _steps(series)
            if steps > MOST_STEPS_IN_ALL:
                told = f"hold more than {MOST_STEPS_IN_ALL:,} steps in all: split the file"
                raise RuleError([Problem(("series",), told)])
        return written

    @property
    def check(self) -> str | None:
        """Name of the check in `checks`."""
        return None if self.checks is None else next(iter(self.checks.model_fields_set))

    @model_validator(mode="after")
    def _one_check(self) -> Self:
        if self.checks is not None and len(self.checks.model_fields_set) != 1:
            raise RuleError([Problem(("checks",), "must hold the one check that is replayed")])
        return self
