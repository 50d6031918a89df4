"""The story of the stream: what the producer sends in each phase, and what that does to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of orders that have something in common.

    Attributes:
        name: as logged.
        orders: how many are sent.
        per_second: how fast.
        payment_seconds: how long billing waits for the payment provider, for each order.
        unknown_items: how many of the orders fulfillment cannot process, in one burst.
        negative_amounts: how many of the orders billing cannot process, in one burst.
    """

    name: str
    orders: int
    per_second: float
    payment_seconds: float = 0.0
    unknown_items: int = 0
    negative_amounts: int = 0


STORY: Final = (
    Phase("healthy", orders=400, per_second=40),
    Phase("slow consumer", orders=300, per_second=40, payment_seconds=0.07),
    Phase("poison", orders=160, per_second=40, unknown_items=14, negative_amounts=6),
    Phase("recovery", orders=400, per_second=20),
)
PAUSE_SECONDS: Final = 2.5
"""Nothing is sent between two phases, so that whoever counts all along counts each one alone."""

LATE_SHARE: Final = 0.05
"""Share of the orders that were placed on a phone without network and arrive late."""
USUAL_DELAY_SECONDS: Final = (0.02, 0.3)
LATE_DELAY_SECONDS: Final = (2.0, 40.0)
"""Between the moment of an order and its sending."""
