"""Holds all that the gauge has told of a group against the record of truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from . import score
from .forecasts import forecast_error
from .gauge import PATIENCE_SECONDS, SCRAPE_EVERY_SECONDS
from .passing import passed
from .plants import planted
from .timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .gauge import Sample, Sight
    from .passing import Passed
    from .stage import Case, Stage, Told

SETTLED_SECONDS = 5.0
"""After a start of the gauge, or a return of the broker, values may be missing for so long."""
TOLD_PROBLEMS = 3
"""So many samples of one kind of problem are told in words, the others are counted."""


@dataclass
class Findings:
    """What came of the judgement of a scenario."""

    scenario: str
    samples: int = 0
    lag_errors: list[float] = field(default_factory=list)
    time_lag_errors: list[float] = field(default_factory=list)
    missing: int = 0
    count_error: int = 0
    counted: int = 0
    sum_error: float = 0.0
    quantile_error: float = 0.0
    delays: list[tuple[float, float | None]] = field(default_factory=list)
    """Seconds from an event to the status that tells it, and the limit."""
    forecast_errors: list[float] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)
    """Sentences by kind."""

    def problem(self, kind: str, sentence: str) -> None:
        """Note that something does not hold."""
        self.problems.setdefault(kind, []).append(sentence)

    @property
    def holds(self) -> bool:
        """Whether everything does."""
        return not self.problems

    def sentences(self) -> Iterator[str]:
        """What does not hold, in words."""
        for kind, all_of_kind in self.problems.items():
            for sentence in all_of_kind[:TOLD_PROBLEMS]:
                yield f"{kind}: {sentence}"
            if len(all_of_kind) > TOLD_PROBLEMS:
                yield f"{kind}: {len(all_of_kind) - TOLD_PROBLEMS} more samples"


class View(NamedTuple):
    """A group, or one of its partitions: what was true, and where in a sample it is told."""

    exact: Timeline
    slack: Timeline
    partition: int | None

    def told(self, group: dict) -> dict:
        """The part of a group's entry that is about it."""
        if self.partition is None:
            return group
        return group.get("partitions", {}).get(str(self.partition), {})


def judge(stage: Stage, plant: str | None = None) -> Findings:
    """Hold everything that was told of a scenario's groups against the truth.

    Args:
        stage: where the scenario was played.
        plant: name of a fault that is put into all that was told.
    """
    findings = Findings(stage.name)
    if stage.failed is not None:
        findings.problem("not played to its end", repr(stage.failed))
        return findings
    told = [each for each in stage.gauge.samples if each.answered <= stage.ended]
    samples = [planted(each.only(stage.streams), plant) for each in told]
    for case in stage.cases:
        _Judgement(stage, case, samples, findings).pass_judgement()
    return findings


def is_counted(case: Case, sample: Sample) -> bool:
    """Whether a sample tells of all that the group has processed."""
    told = sample.processed(case.stream, case.history.name)
    count = (told.get("aged") or {}).get("count", 0) + told.get("unaged", 0)
    truth = _passed(case)
    return told.get("committed") == truth.moved and score.counted_error(truth, count) == 0


def _passed(case: Case) -> Passed:
    return passed(case.history, case.log, PATIENCE_SECONDS, case.gaps)


class _Judgement:
    """Of one group as one stream tells it."""

    def __init__(
        self, stage: Stage, case: Case, samples: Sequence[Sample], findings: Findings
    ) -> None:
        self._stage, self._case, self._samples, self._findings = stage, case, samples, findings
        self._sight: Sight = stage.gauge.sight
        numbers = range(case.log.partitions) if case.log.partitions > 1 else ()
        self._views = [
            View(
                Timeline(case.history, among),
                Timeline(case.history, among, score.TIME_LAG_SLACK_SECONDS),
                number,
            )
            for number, among in [(None, None), *((each, (each,)) for each in numbers)]
        ]
        self._exact = self._views[0].exact

    def pass_judgement(self) -> None:
        """Judge every sample, then what they show together."""
        judged_away = 0
        for sample in self._samples:
            if sample.streams is not None:
                for view in self._views:
                    self._judge_values(sample, view)
                judged_away += self._judge_outage(sample)
            elif self._must_tell(sample):
                self._missing(sample, "no answer")
        if self._stage.away and not judged_away:
            self._findings.problem("told without a broker", f"{self._who} was not told of at all")
        self._judge_quiet()
        for expected in self._case.told:
            self._judge_told(expected)
        for foreseen in self._case.foreseen:
            self._judge_forecast(foreseen)
        self._judge_ages()

    def _judge_values(self, sample: Sample, view: View) -> None:
        group = sample.group(self._case.stream, self._case.history.name)
        told = view.told(group)
        must_tell = self._must_tell(sample)
        if view.partition is None:
            self._findings.samples += must_tell
            unknown = [
                name
                for name, value, blank in (
                    ("lag", told.get("lag"), None),
                    ("time lag", told.get("time_lag_seconds"), None),
                    ("status", told.get("status", "UNKNOWN"), "UNKNOWN"),
                )
                if value == blank
            ]
            if must_tell and unknown:
                reason = told.get("status_reason", "the group is not told of")
                self._missing(sample, f"{', '.join(unknown)} unknown ({reason})")
        if told.get("lag") is not None:
            self._judge_lag(sample, view, told["lag"])
        if told.get("time_lag_seconds") is not None:
            self._judge_time_lag(sample, view, told["time_lag_seconds"])

    def _judge_lag(self, sample: Sample, view: View, told: int) -> None:
        may = self._case.log.compacted
        nearest = score.lag_error(view.exact.within(*_window(sample)), told, may_overstate=may)
        slack = score.lag_error(view.slack.within(*_window(sample)), told, may_overstate=may)
        if view.partition is None and nearest.truth is not None:
            self._findings.lag_errors.append(nearest.distance)
        if slack.distance > 0 or told < 0:
            kind = _kind("lag", told, nearest)
            self._wrong(kind, sample, view, f"{told} told, nearest truth {_number(nearest.truth)}")

    def _judge_time_lag(self, sample: Sample, view: View, told: float) -> None:
        nearest = score.time_lag_error(view.exact.within(*_window(sample)), told)
        if view.partition is None and nearest.truth is not None:
            self._findings.time_lag_errors.append(nearest.distance)
        false_zero = told == 0 and nearest.distance > score.ROUNDING_SECONDS
        if nearest.distance > score.TIME_LAG_SLACK_SECONDS or told < 0 or false_zero:
            kind = _kind("time lag", told, nearest)
            text = f"{told:.3f} s told, nearest truth {_number(nearest.truth)} s"
            self._wrong(kind, sample, view, text)

    def _wrong(self, kind: str, sample: Sample, view: View, text: str) -> None:
        of = "" if view.partition is None else f" partition {view.partition}"
        self._findings.problem(kind, f"{self._who}{of} {self._when(sample)}: {text}")

    def _missing(self, sample: Sample, text: str) -> None:
        self._findings.missing += 1
        self._findings.problem("missing", f"{self._who} {self._when(sample)}: {text}")

    def _must_tell(self, sample: Sample) -> bool:
        """Whether gauge and broker answer, and the group has had something to tell all along."""
        if sample.asked < self._sight.ready + SETTLED_SECONDS:
            return False
        blind = [(down.lo, down.hi) for down in self._sight.down]
        blind += [(span.lo, back) for span, back in self._stage.away]
        if any(lo <= sample.answered and sample.asked <= hi + SETTLED_SECONDS for lo, hi in blind):
            return False
        start, end = _window(sample)
        start -= self._case.found_within_seconds
        return not score.silence_is_right(self._exact.within(start, end))

    def _judge_outage(self, sample: Sample) -> bool:
        """Without a broker nothing is told as if it were new; give whether there was none."""
        for away, _ in self._stage.away:
            since = away.lo + PATIENCE_SECONDS + SCRAPE_EVERY_SECONDS
            if not (since <= sample.asked and sample.answered <= away.hi):
                continue
            told = sample.group(self._case.stream, self._case.history.name)
            parts = [told, *told.get("partitions", {}).values()]
            shown = any(
                each.get(name) is not None for each in parts for name in ("lag", "time_lag_seconds")
            )
            as_of_ms = told.get("as_of_ms")
            said = f"status {told.get('status')}, lag {told.get('lag')}, as of {as_of_ms}"
            if shown or told.get("status") != "UNKNOWN":
                self._findings.problem(
                    "told without a broker", f"{self._who} {self._when(sample)}: {said}"
                )
            elif as_of_ms is None or as_of_ms > 1000 * away.lo + 1:
                self._findings.problem(
                    "age not told", f"{self._who} {self._when(sample)}: {said}, without a broker"
                )
            return True
        return False

    def _judge_quiet(self) -> None:
        for quiet in self._case.quiet:
            for sample in self._samples_within(quiet.start, quiet.end):
                status, reason = self._status(sample)
                if status not in quiet.allowed | {"UNKNOWN"}:
                    self._findings.problem(
                        "false alarm", f"{self._who} {self._when(sample)}: {status}, {reason}"
                    )

    def _judge_told(self, expected: Told) -> None:
        wanted = " or ".join(sorted(expected.statuses))
        samples = list(self._samples_within(expected.since, expected.until))
        first = next((s for s in samples if self._status(s)[0] in expected.statuses), None)
        if first is None:
            if expected.within_seconds is not None:
                text = f"{self._who} {self._at(expected.since)}: {wanted} was never told"
                self._findings.problem("status", text)
            return
        delay = first.answered - expected.since
        self._findings.delays.append((delay, expected.within_seconds))
        if expected.within_seconds is None:
            return
        if delay > expected.within_seconds + SCRAPE_EVERY_SECONDS:
            text = f"{wanted} was told after {delay:.1f} s, limit {expected.within_seconds:g} s"
            self._findings.problem("status", f"{self._who} {self._at(expected.since)}: {text}")
        for sample in samples:
            status, reason = self._status(sample)
            if sample.answered < first.answered or status == "UNKNOWN":
                continue
            if status not in expected.statuses:
                text = f"{status} told, truth {wanted}"
                self._findings.problem("status", f"{self._who} {self._when(sample)}: {text}")
            elif not all(each in reason for each in expected.says):
                text = f'"{reason}" does not name {", ".join(expected.says)}'
                self._findings.problem("status", f"{self._who} {self._when(sample)}: {text}")

    def _judge_forecast(self, foreseen) -> None:
        judged = 0
        for sample in self._samples_within(foreseen.since, foreseen.until):
            told = sample.group(self._case.stream, self._case.history.name).get("forecast", {})
            value = told.get(foreseen.name)
            if value is None:
                continue
            error = forecast_error(self._exact, foreseen, _window(sample), value)
            judged += 1
            self._findings.forecast_errors.append(error.relative)
            if error.relative > 0.1:
                text = f"{foreseen.name} {value:.1f} told, nearest truth {error.truth:.1f}"
                self._findings.problem("forecast", f"{self._who} {self._when(sample)}: {text}")
        if not judged:
            text = f"{foreseen.name} was never told between {self._at(foreseen.since)} and the end"
            self._findings.problem("forecast", f"{self._who}: {text}")

    def _judge_ages(self) -> None:
        truth = _passed(self._case)
        last = next((s for s in reversed(self._samples) if s.streams is not None), None)
        told = {} if last is None else last.processed(self._case.stream, self._case.history.name)
        group = {} if last is None else last.group(self._case.stream, self._case.history.name)
        aged, unaged = told.get("aged") or {"count": 0}, told.get("unaged", 0)
        findings = self._findings
        findings.counted += aged["count"]
        error = score.counted_error(truth, aged["count"] + unaged)
        findings.count_error += abs(error)
        if error:
            text = (
                f"{aged['count']} aged and {unaged} unaged told, {len(truth.aged)} were passed, "
                f"{len(truth.unwatched)} unwatched, and {truth.unread} not yet"
            )
            findings.problem("count", f"{self._who}: {text}")
        if unaged > len(truth.unwatched):
            text = f"{unaged} unaged, but {len(truth.unwatched)} were passed while nobody watched"
            findings.problem("unaged", f"{self._who}: {text}")
        if "lost" in group and group["lost"] != truth.lost:
            findings.count_error += abs(group["lost"] - truth.lost)
            text = f"{group['lost']} told, {truth.lost} were deleted unread"
            findings.problem("lost", f"{self._who}: {text}")
        if aged["count"]:
            self._judge_histogram(truth, aged)

    def _judge_histogram(self, truth: Passed, aged: dict) -> None:
        findings = self._findings
        lo, hi = score.ages_told(truth, aged["count"])
        error = score.sum_error(lo, hi, aged["sum_seconds"])
        findings.sum_error = max(findings.sum_error, error, -error)
        if error:
            band = f"truth between {sum(lo):.1f} s and {sum(hi):.1f} s"
            text = f"sum of ages {aged['sum_seconds']:.1f} s told, {band}"
            findings.problem("ages", f"{self._who}: {text}")
        for name, share in score.QUANTILES.items() if lo else ():
            error = score.quantile_error(lo, hi, share, aged[name])
            findings.quantile_error = max(findings.quantile_error, error)
            if error:
                findings.problem("ages", f"{self._who}: {name} {aged[name]} is not in its band")
        outside = score.outside_buckets(truth, aged)
        if outside:
            text = f"{outside} ages at least are not in the buckets of their band"
            findings.problem("ages", f"{self._who}: {text}")

    def _samples_within(self, start: float, end: float) -> Iterator[Sample]:
        return (s for s in self._samples if start <= s.asked and s.answered <= end and s.streams)

    def _status(self, sample: Sample) -> tuple[str, str]:
        told = sample.group(self._case.stream, self._case.history.name)
        return told.get("status", "UNKNOWN"), told.get("status_reason", "")

    @property
    def _who(self) -> str:
        """The group, with the stream where that says more."""
        return f"{self._case.stream}/{self._case.history.name}"

    def _when(self, sample: Sample) -> str:
        return self._at(sample.answered)

    def _at(self, moment: float) -> str:
        return f"at {moment - self._stage.began:.2f} s"


def _window(sample: Sample) -> tuple[float, float]:
    return sample.asked - PATIENCE_SECONDS, sample.answered


def _kind(name: str, told: float, nearest: score.Nearest) -> str:
    if told < 0:
        return f"negative {name}"
    if nearest.truth is None:
        return f"{name} of what is gone"
    return f"false zero of {name}" if told == 0 else name


def _number(value: float | None) -> str:
    if value is None:
        return "nothing"
    return f"{value:.3f}" if value != int(value) else str(int(value))
