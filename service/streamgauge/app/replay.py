"""What `streamgauge checks --replay` does: judge recorded values with a check's real rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamgauge.config.errors import ConfigError, hint
from streamgauge.config.loading import load_section
from streamgauge.config.policies import check_policies, stream_policy
from streamgauge.config.scenario import Scenario
from streamgauge.core.checks.policy import Measure
from streamgauge.core.checks.registry import CHECKS
from streamgauge.core.checks.reported import reported_checks
from streamgauge.core.checks.standing import first_standing, judge
from streamgauge.model import Blind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamgauge.config.scenario import Series
    from streamgauge.config.series import Seen
    from streamgauge.config.settings import Config
    from streamgauge.core.checks.policy import Check, Policy
    from streamgauge.core.checks.reported import ReportedCheck
    from streamgauge.core.checks.standing import Standing
    from streamgauge.model import Level


class ReplayError(Exception):
    """What was asked cannot be replayed; the message is for people."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A check with what it demands."""

    name: str
    """As it is told: `lag__fulfillment`; the bare measure where no stream is known."""
    check: Check
    policy: Policy


@dataclass(frozen=True, slots=True)
class Moved:
    """One step of a series with the standing after it."""

    at_ms: int
    """From the start."""
    seen: Seen
    expected: Level | None
    standing: Standing

    @property
    def is_as_expected(self) -> bool:
        """Whether nobody expected another level."""
        return self.expected in {None, self.standing.level}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One series with what the check said."""

    name: str
    steps: tuple[Moved, ...]

    @property
    def is_test(self) -> bool:
        """Whether levels are expected."""
        return any(step.expected is not None for step in self.steps)

    @property
    def failed(self) -> list[Moved]:
        """The steps after which another level was expected."""
        return [step for step in self.steps if not step.is_as_expected]


def replay_file(
    path: str, config: Config | None, stream: str | None, check: str | None
) -> tuple[Judged, list[Replayed]]:
    """Judge what a file holds.

    Args:
        path: of the file.
        config: whose check judges; None: the one in the file.
        stream: name of its stream; None: the only one.
        check: as it is told; None: the only one, or the one that the file is about.

    Raises:
        ReplayError: everything that is wrong with the file, or what was asked is not there.
    """
    try:
        scenario = load_section(path, Scenario, holds="scenario", keys="checks: and series:")
        judged = (
            of_scenario(scenario) if config is None else of_config(config, stream, check, scenario)
        )
    except ConfigError as error:
        raise ReplayError(str(error)) from None
    except ReplayError as error:
        raise ReplayError(f"{path}: {error}") from None
    return judged, replay(judged, scenario)


def of_scenario(scenario: Scenario) -> Judged:
    """The check that the file itself names, its defaults beneath what the file says.

    Raises:
        ReplayError: it names none that can be judged.
    """
    if scenario.checks is None:
        raise ReplayError(
            "which check is meant? write checks: into the file, or name one of a configuration"
            " with --config, --stream and --check"
        )
    check = next(check for check in CHECKS if check.name == scenario.check)
    policy = check_policies(scenario.checks)[check.name]
    if policy.warn is None and policy.fail is None:
        raise ReplayError(f"the check {check.name} has no limit, so it demands nothing: set one")
    return Judged(check.name, check, policy)


def of_config(config: Config, stream: str | None, check: str | None, scenario: Scenario) -> Judged:
    """A check as it is configured; what is not named must be the only one.

    Args:
        config: where it is configured.
        stream: name of the stream.
        check: as it is told, `lag__fulfillment`, or the measure alone.
        scenario: its values are of the measure that it names, if it does.

    Raises:
        ReplayError: there is no such stream or check, or there are several.
    """
    streams = config.streams
    name = _one(stream, streams, "stream", "--stream")
    reported = reported_checks(stream_policy(name, streams[name], config.kafka))
    found = {each.name: each for each in reported}
    wanted = check or scenario.check
    of_measure = [each for each in reported if each.check.name == wanted]
    if wanted not in found and len({each.name for each in of_measure}) == 1:
        wanted = of_measure[0].name
    judged: ReportedCheck = found[_one(wanted, found, f"check of {name}", "--check")]
    if scenario.check not in {None, judged.check.name}:
        raise ReplayError(f"the values are of {scenario.check}, but --check names {judged.name}")
    return Judged(judged.name, judged.check, judged.policy)


def _one(wanted: str | None, known: Iterable[str], what: str, option: str) -> str:
    """The name that is wanted, or the only one."""
    names = list(known)
    if wanted in names:
        return wanted
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None:
        told = f"known: {', '.join(names)}"
        raise ReplayError(f"which {what} is meant? name it with {option}; {told}")
    raise ReplayError(f"no {what} is named {wanted}; {hint(wanted, names)}")


def replay(judged: Judged, scenario: Scenario) -> list[Replayed]:
    """Each series by itself, from a check that was never evaluated."""
    return [
        Replayed(series.name, tuple(_moved(judged, series, scenario.start)))
        for series in scenario.series
    ]


def _moved(judged: Judged, series: Series, start_ms: int) -> Sequence[Moved]:
    standing = first_standing(start_ms)
    blind_since_ms: int | None = None
    moved = []
    for (at_ms, seen), expected in zip(series.seen, series.expected, strict=True):
        now_ms = start_ms + at_ms
        if not seen.blind:
            blind_since_ms = None
        elif blind_since_ms is None:
            blind_since_ms = now_ms
        measure = _measure(judged, seen, blind_since_ms)
        standing = judge(judged.check, judged.policy, measure, standing, now_ms)
        moved.append(Moved(at_ms, seen, expected, standing))
    return moved


def _measure(judged: Judged, seen: Seen, blind_since_ms: int | None) -> Measure:
    blind = None
    if blind_since_ms is not None:
        blind = Blind(judged.name, blind_since_ms, "the series says unknown")
    if seen.value is None:
        return Measure(f"{judged.name} had nothing to measure", blind=blind)
    text = f"{judged.name} is {judged.check.amount(seen.value)}"
    return Measure(text, seen.value, blind)
