"""CPU time by part of a thread: of a block of code, and of all steps of a coroutine."""  # noqa: INP001 - scripts, not a package

from __future__ import annotations

from time import thread_time_ns
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

ResultT = TypeVar("ResultT")


class Cpu:
    """A meter that runs while its `with` block does; blocks of one meter do not nest."""

    def __init__(self) -> None:
        self._spent_ns = 0
        self._since_ns: int | None = None

    def __enter__(self) -> Self:
        self._since_ns = thread_time_ns()
        return self

    def __exit__(self, *_: object) -> None:
        self._spent_ns, self._since_ns = self.nanoseconds, None

    @property
    def nanoseconds(self) -> int:
        """What was spent so far, in the midst of a block too."""
        running_ns = 0 if self._since_ns is None else thread_time_ns() - self._since_ns
        return self._spent_ns + running_ns


class Steps(Generic[ResultT]):
    """Awaits a coroutine, and meters it while it runs but not while it waits."""

    def __init__(self, cpu: Cpu, work: Coroutine[Any, Any, ResultT]) -> None:
        self._cpu = cpu
        self._work = work

    def __await__(self) -> Generator[Any, Any, ResultT]:
        go_on: Callable[[Any], Any] = self._work.send
        given: Any = None
        while True:
            try:
                with self._cpu:
                    awaited = go_on(given)
            except StopIteration as end:
                result: ResultT = end.value
                return result
            try:
                go_on, given = self._work.send, (yield awaited)
            except BaseException as error:  # noqa: BLE001 - a cancellation is passed on as well
                go_on, given = self._work.throw, error
