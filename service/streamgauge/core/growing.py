"""Tables of values that only grow: how each copies, adds and subtracts follows from its type."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from dataclasses import Field
    from typing import Any, ClassVar

    from streamgauge.core.histogram import Histogram

    Value: TypeAlias = int | Histogram | "Growing" | dict[str, Any]


class Growing:
    """Base of a dataclass of at least two counts, histograms, such tables, or dicts of these.

    A name that is absent from a dict counts nothing, so dicts with different names combine.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @classmethod
    def sum(cls, tables: Iterable[Self]) -> Self:
        """What all of these amount to; none of them is changed."""
        return cls(*map(_sum, zip(*map(_values, (cls(), *tables)), strict=True)))

    def copy(self) -> Self:
        """An equal table that grows on its own."""
        return type(self)(*map(_copy, _values(self)))

    def __add__(self, other: Self) -> Self:
        """What both amount to; neither is changed."""
        return self.sum((self, other))

    def __sub__(self, earlier: Self) -> Self:
        """What came since `earlier`; neither is changed.

        Raises:
            ValueError: naming the field that would shrink, for then `earlier` is no earlier state.
        """
        return self._less("", earlier)

    def _less(self, where: str, earlier: Self) -> Self:
        return type(self)(
            **{
                f.name: _difference(where + f.name, getattr(self, f.name), getattr(earlier, f.name))
                for f in fields(self)
            }
        )


def _values(table: Growing) -> tuple[Value, ...]:
    return _reader(type(table))(table)  # type: ignore[arg-type]  # a class is hashable


@cache
def _reader(table: type) -> Callable[[Growing], tuple[Value, ...]]:
    """Reads all fields at once: with a thousand partitions a second this is what costs."""
    return attrgetter(*(field.name for field in fields(table)))


def _copy(value: Value) -> Value:
    if isinstance(value, int):
        return value
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return value.copy()


def _sum(values: Sequence[Any]) -> Value:
    """Sum of one or more values of one type."""
    if isinstance(values[0], dict):
        by_name: dict[str, list[Value]] = {}
        for value in values:
            for name, inner in value.items():
                by_name.setdefault(name, []).append(inner)
        return {name: _sum(inners) for name, inners in by_name.items()}
    total: Value = sum(values) if isinstance(values[0], int) else type(values[0]).sum(values)
    return total


def _difference(where: str, later: Any, earlier: Any) -> Value:  # noqa: ANN401 - two of one type
    if isinstance(later, dict):
        gone = earlier.keys() - later.keys()
        if gone:
            raise ValueError(f"{where}: {sorted(gone)} would disappear; totals never shrink")
        return {
            name: _difference(f"{where}.{name}", value, earlier[name])
            if name in earlier
            else _copy(value)
            for name, value in later.items()
        }
    if isinstance(later, Growing):
        return later._less(f"{where}.", earlier)  # noqa: SLF001 - same class family
    if isinstance(later, int) and later < earlier:
        raise ValueError(f"{where}: {later} is less than {earlier}; totals never shrink")
    return later - earlier  # type: ignore[no-any-return]  # both are the same kind of Value
