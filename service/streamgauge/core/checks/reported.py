"""Which checks are reported of a stream: what each judges, on which asset and under which name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamgauge.core.checks.policy import Judges, Subject, check_name
from streamgauge.core.checks.registry import CHECKS

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Check, Policy
    from streamgauge.core.gauge import StreamPolicy


@dataclass(frozen=True, slots=True)
class ReportedCheck:
    """A check of one subject, with what is demanded of it."""

    check: Check
    policy: Policy
    subject: Subject

    @property
    def group(self) -> str | None:
        """The consumer group or pattern that is judged, None for a check of a topic."""
        return self.subject.name if self.check.judges is Judges.GROUPS else None

    @property
    def name(self) -> str:
        """As Dagster shows it: `<measure>` or `<measure>__<group>`."""
        return check_name(self.check.name, self.group)


def reported_checks(stream: StreamPolicy) -> tuple[ReportedCheck, ...]:
    """In the order in which their verdicts are told.

    A check without any limit demands nothing and is not reported.
    """
    policies = ((check, stream.checks.get(check.name, check.default)) for check in CHECKS)
    return tuple(
        ReportedCheck(check, policy, subject)
        for check, policy in policies
        if policy.warn is not None or policy.fail is not None
        for subject in _subjects(check, stream)
    )


def _subjects(check: Check, stream: StreamPolicy) -> tuple[Subject, ...]:
    if check.judges is Judges.DEAD_LETTER_TOPICS:
        return tuple(Subject(each.asset_key, each.topic) for each in stream.dead_letters)
    if check.judges is Judges.GROUPS:
        return tuple(Subject(stream.asset_key, group) for group in stream.groups)
    return (Subject(stream.asset_key, stream.topic),)
