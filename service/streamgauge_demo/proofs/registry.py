"""The list of the proofs, and their judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge_demo.proofs import ending, judgements, reports, telemetry
from streamgauge_demo.proofs.proof import DoesNotHoldError, Finding

if TYPE_CHECKING:
    from streamgauge_demo.evidence import Evidence
    from streamgauge_demo.proofs.proof import Proof

PROOFS: Final[tuple[Proof, ...]] = (
    *reports.PROOFS,
    *judgements.PROOFS,
    *telemetry.PROOFS,
    *ending.PROOFS,
)
"""In the order of the table and of docs/demo.md."""


def prove(evidence: Evidence) -> list[Finding]:
    """Judge all proofs but those that read what was sent to somebody else's collector."""
    able = [p for p in PROOFS if p.reads != "OTLP" or evidence.telemetry is not None]
    return [_found(proof, evidence) for proof in able]


def _found(proof: Proof, evidence: Evidence) -> Finding:
    """What a proof finds; something that is missing altogether does not hold either."""
    try:
        return Finding(proof, holds=True, said=proof.judge(evidence))
    except DoesNotHoldError as error:
        return Finding(proof, holds=False, said=str(error))
    except (LookupError, TypeError, ValueError) as error:
        return Finding(proof, holds=False, said=f"cannot be judged: {error!r}")
