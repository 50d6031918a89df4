"""What a proof is, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge_demo.evidence import Evidence

Reads = Literal["Dagster", "OTLP", "Kafka", "process"]
"""Where what was told is read back from."""


class DoesNotHoldError(Exception):
    """What was told differs from what happened; the message says how."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A claim and the way to check it.

    Attributes:
        name: what it is called in the table and in the documentation.
        reads: where what was told is read back from.
        claim: one sentence that is true if it holds.
        judge: gives what was found in numbers, or raises `DoesNotHoldError`.
    """

    name: str
    reads: Reads
    claim: str
    judge: Callable[[Evidence], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a proof holds, and what was found."""

    proof: Proof
    holds: bool
    said: str


def must_equal(what: str, told: object, logged: object) -> None:
    """Do nothing if both are equal.

    Raises:
        DoesNotHoldError: they differ.
    """
    if told != logged:
        raise DoesNotHoldError(f"{what}: told {told}, logged {logged}")


def must(condition: object, otherwise: str) -> None:
    """Do nothing if the condition is true.

    Raises:
        DoesNotHoldError: it is not; has the sentence.
    """
    if not condition:
        raise DoesNotHoldError(otherwise)
