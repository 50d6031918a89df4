"""The orders of the story: the same ones in each run, but for their times."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamgauge_demo.programs.story import (
    LATE_DELAY_SECONDS,
    LATE_SHARE,
    USUAL_DELAY_SECONDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamgauge_demo.programs.story import Phase

UNKNOWN_ITEM: Final = "unknown-item"
_ITEMS: Final = ("kettle", "lamp", "chair", "teapot")


@dataclass(frozen=True, slots=True)
class Order:
    """One order as its record carries it.

    Attributes:
        key: the record's key.
        value: the record's value, JSON.
        delay_ms: how long before its sending it was placed.
        doomed: the group that cannot process it, None if all can.
    """

    key: bytes
    value: bytes
    delay_ms: int
    doomed: str | None


class Orders:
    """Gives the orders of one phase after the other."""

    def __init__(self) -> None:
        self._rng = random.Random(20)  # noqa: S311 - a repeatable story, not a secret
        self._count = 0

    def of(self, phase: Phase) -> Iterator[Order]:
        """Give the orders of a phase; those that nobody can process come first, in one burst."""
        for index in range(phase.orders):
            self._count += 1
            unknown = index < phase.unknown_items
            negative = 0 <= index - phase.unknown_items < phase.negative_amounts
            order_id = f"order-{self._count:06d}"
            content = {
                "orderId": order_id,
                "item": UNKNOWN_ITEM if unknown else self._rng.choice(_ITEMS),
                "amount": round(self._rng.uniform(5, 90), 2) * (-1 if negative else 1),
                "paymentSeconds": phase.payment_seconds,
            }
            yield Order(
                key=order_id.encode(),
                value=json.dumps(content).encode(),
                delay_ms=self._delay_ms(),
                doomed="fulfillment" if unknown else "billing" if negative else None,
            )

    def _delay_ms(self) -> int:
        late = self._rng.random() < LATE_SHARE
        return round(
            1_000 * self._rng.uniform(*(LATE_DELAY_SECONDS if late else USUAL_DELAY_SECONDS))
        )
