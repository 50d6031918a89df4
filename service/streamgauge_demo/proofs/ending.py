"""Proofs over the gauge's manners: it wrote nothing, and it left in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamgauge_demo import scenario
from streamgauge_demo.proofs.proof import Proof, must, must_equal

if TYPE_CHECKING:
    from streamgauge_demo.evidence import Evidence


def _read_only(evidence: Evidence) -> str:
    names, truth = evidence.names, evidence.truth
    logged = {names.topic: truth.counts(), names.dead_letters: truth.dead_counts()}
    for topic, counts in logged.items():
        ends = {p: end for p, end in evidence.ends[topic].items() if end}
        must_equal(f"end offsets of {topic}", ends, counts)
    must_equal("new topics", evidence.new_topics, ())
    return "the topics hold what producer and services wrote, and no topic is new"


def _clean_stop(evidence: Evidence) -> str:
    code, seconds = evidence.gauge["code"], evidence.gauge["seconds"]
    must_equal("exit code", code, 0)
    must_equal("last line of its log", evidence.gauge["last_event"], "service_stopped")
    must(seconds <= scenario.GRACE_SECONDS, f"it took {seconds:.1f} s")
    return f"exit code 0 after {seconds:.1f} s"


PROOFS = (
    Proof(
        "nothing written",
        "Kafka",
        "The topics end where the programs' logs end, and there are no other topics.",
        _read_only,
    ),
    Proof(
        "clean stop",
        "process",
        f"SIGTERM ends the gauge with exit code 0 within {scenario.GRACE_SECONDS} s.",
        _clean_stop,
    ),
)
