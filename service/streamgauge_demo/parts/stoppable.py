"""What is stopped when its context is left, whatever happened in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Stoppable(ABC):
    """A part that runs until it is stopped."""

    @abstractmethod
    def stop(self) -> None:
        """End it and leave nothing behind; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
