"""Proofs over the evaluations of checks in Dagster: told in time, told truly, taken back truly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge_demo import scenario
from streamgauge_demo.proofs.lag import lag_bounds
from streamgauge_demo.proofs.proof import DoesNotHoldError, Proof, must, must_equal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge_demo.evidence import Evidence
    from streamgauge_demo.parts.dagster_client import CheckExecution

TOLD_WITHIN_MS: Final = 2_000
"""From a dead letter's acknowledgement to the failing check in Dagster."""
_SLACK_MS: Final = 3_000
"""For polls and ticks of a busy machine."""
QUIET_MS: Final = 1_000 * (scenario.WINDOW_SECONDS + scenario.KEEP_FAILING_SECONDS) - _SLACK_MS
"""So long no dead letter may have arrived before the check passes."""
_SLOW_PHASE: Final = "slow consumer"
_SHOWN: Final = {
    "pass": (True, "WARN"),
    "warn": (False, "WARN"),
    "unknown": (False, "WARN"),
    "fail": (False, "ERROR"),
}
"""Whether an evaluation has passed, and its severity, by level: docs/dagster.md."""


def _evaluations(evidence: Evidence, topic: str, check: str) -> Sequence[CheckExecution]:
    """The evaluations of a check; each must look in Dagster as docs/dagster.md says of a level."""
    found = evidence.checks[topic][check]
    must(found, f"Dagster has no evaluation of {check}")
    for each in found:
        shown = (each.passed, each.severity)
        must_equal(f"{check} as {_level(each)}", shown, _SHOWN[_level(each)])
    return found


def _level(evaluation: CheckExecution) -> str:
    level: str = evaluation.metadata["level"]
    return level


def _first(evaluations: Sequence[CheckExecution], level: str, after_ms: int) -> CheckExecution:
    for evaluation in evaluations:
        if _level(evaluation) == level and evaluation.timestamp_ms >= after_ms:
            return evaluation
    raise DoesNotHoldError(f"it never said {level}")


def _dead_letter_told(evidence: Evidence) -> str:
    evaluations = _evaluations(evidence, evidence.names.dead_letters, "no_dead_letters")
    sent_ms = min(letter.sent_ms for letter in evidence.truth.dead)
    acked_ms = min(letter.acked_ms for letter in evidence.truth.dead)
    early = [e for e in evaluations if _level(e) == "fail" and e.timestamp_ms < sent_ms]
    must(not early, "it failed before the first dead letter")
    failed = _first(evaluations, "fail", sent_ms)
    took_ms = max(0, failed.timestamp_ms - acked_ms)
    must(took_ms <= TOLD_WITHIN_MS, f"it took {took_ms} ms, more than {TOLD_WITHIN_MS} ms")
    return f"{took_ms} ms from the first dead letter's acknowledgement to the failing check"


def _dead_letter_kept(evidence: Evidence) -> str:
    """Letters count for a window, and the failure for `keep_failing_for` after that."""
    evaluations = _evaluations(evidence, evidence.names.dead_letters, "no_dead_letters")
    died = sorted(letter.acked_ms for letter in evidence.truth.dead)
    passes = [e.timestamp_ms for e in evaluations if _level(e) == "pass"]
    for passed_ms in passes:
        known = [at for at in died if at <= passed_ms - TOLD_WITHIN_MS]
        if known:
            quiet_ms = passed_ms - known[-1]
            must(quiet_ms >= QUIET_MS, f"it passed {quiet_ms} ms after a dead letter, too early")
    again_ms = min((at for at in passes if at >= died[-1]), default=None)
    if again_ms is None:
        raise DoesNotHoldError("it never passed again")
    after_ms = again_ms - died[-1]
    must(after_ms <= QUIET_MS + 3 * _SLACK_MS, f"it passed only {after_ms} ms after the last one")
    return f"passes again {after_ms / 1_000:.1f} s after the last dead letter"


def _slow_consumer(evidence: Evidence) -> str:
    names, began_ms = evidence.names, evidence.truth.phases[_SLOW_PHASE].began_ms
    evaluations = _evaluations(evidence, names.topic, scenario.lag_check(names.billing))
    failed = _first(evaluations, "fail", began_ms)
    value = failed.metadata["value"]
    low, high = lag_bounds(evidence.truth, "billing", failed.timestamp_ms)
    must(value > scenario.LAG_FAIL, f"it failed at a lag of {value}")
    must(low <= value <= high, f"told a lag of {value}, the logs say {low} to {high}")
    after = (failed.timestamp_ms - began_ms) / 1_000
    return f"fails {after:.1f} s into the slow phase at a lag of {value}; by the logs {low}-{high}"


def _slow_consumer_recovers(evidence: Evidence) -> str:
    names, began_ms = evidence.names, evidence.truth.phases[_SLOW_PHASE].began_ms
    evaluations = _evaluations(evidence, names.topic, scenario.lag_check(names.billing))
    failed = _first(evaluations, "fail", began_ms)
    passed = _first(evaluations, "pass", failed.timestamp_ms)
    value = passed.metadata["value"]
    low, high = lag_bounds(evidence.truth, "billing", passed.timestamp_ms)
    must(value <= scenario.LAG_WARN, f"it passed at a lag of {value}")
    must(low <= value <= high, f"told a lag of {value}, the logs say {low} to {high}")
    must(_level(evaluations[-1]) == "pass", "it does not pass at the end")
    return f"passes again at a lag of {value}; by the logs {low}-{high}"


def _unconfirmed(evidence: Evidence, check: str, evaluation: CheckExecution) -> bool:
    """Whether it warns or fails and the logs do not say that it should."""
    if _level(evaluation) in {"pass", "unknown"}:
        return False
    for service, group in evidence.names.groups.items():
        if check == scenario.lag_check(group):
            low, high = lag_bounds(evidence.truth, service, evaluation.timestamp_ms)
            value = evaluation.metadata["value"]
            return not (value > scenario.LAG_WARN and low <= value <= high)
    return True


def _innocent_group(evidence: Evidence) -> str:
    check = scenario.lag_check(evidence.names.fulfillment)
    evaluations = _evaluations(evidence, evidence.names.topic, check)
    for each in evaluations:
        must(not _unconfirmed(evidence, check, each), f"it said {_level(each)}")
    must(_level(evaluations[-1]) == "pass", "it does not pass at the end")
    return f"{len(evaluations)} evaluations, no false warning"


def _no_false_alarm(evidence: Evidence) -> str:
    until_ms = evidence.truth.phases[_SLOW_PHASE].began_ms
    count = 0
    for topic, checks in evidence.checks.items():
        for check in checks:
            for each in _evaluations(evidence, topic, check):
                if each.timestamp_ms < until_ms:
                    count += 1
                    alarm = f"{check} said {_level(each)}"
                    must(not _unconfirmed(evidence, check, each), alarm)
    must(count, "nothing was evaluated before the slow phase")
    return f"{count} evaluations while all was well, no false alarm"


def _all_well_at_the_end(evidence: Evidence) -> str:
    last = {
        check: _level(found[-1])
        for each in evidence.checks.values()
        for check, found in each.items()
    }
    must(set(last.values()) == {"pass"}, f"at the end: {last}")
    return f"{len(last)} checks pass"


PROOFS = (
    Proof(
        "dead letter told",
        "Dagster",
        f"The check fails within {TOLD_WITHIN_MS // 1_000} s of the first dead letter, not before.",
        _dead_letter_told,
    ),
    Proof(
        "dead letter kept",
        "Dagster",
        "It passes only when a window and `keep_failing_for` have gone by without one (3 s slack).",
        _dead_letter_kept,
    ),
    Proof(
        "slow consumer seen",
        "Dagster",
        "The lag check of billing fails, at a lag that the logs confirm.",
        _slow_consumer,
    ),
    Proof(
        "recovery seen",
        "Dagster",
        "The lag check of billing passes again, at a lag that the logs confirm.",
        _slow_consumer_recovers,
    ),
    Proof(
        "innocent group",
        "Dagster",
        "The lag check of fulfillment never warns or fails, unless the logs confirm it.",
        _innocent_group,
    ),
    Proof(
        "no false alarm",
        "Dagster",
        "No check warns or fails while all is well, unless the logs confirm it.",
        _no_false_alarm,
    ),
    Proof(
        "well at the end",
        "Dagster",
        "Every check passes at the end.",
        _all_well_at_the_end,
    ),
)
