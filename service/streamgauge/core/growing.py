"""Tables of values that only grow: how each copies, adds and subtracts follows from its type."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field
    from typing import Any, ClassVar

    from streamgauge.core.histogram import Histogram

    Value: TypeAlias = int | Histogram | "Growing" | dict[str, Any]


class Growing:
    """Base of a dataclass whose fields are counts, histograms, such tables, or dicts of these.

    A name that is absent from a dict counts nothing, so dicts with different names combine.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def copy(self) -> Self:
        """An equal table that grows on its own."""
        return type(self)(**{f.name: _copy(getattr(self, f.name)) for f in fields(self)})

    def __add__(self, other: Self) -> Self:
        """What both amount to; neither is changed."""
        return self._with("", other, _add)

    def __sub__(self, earlier: Self) -> Self:
        """What came since `earlier`; neither is changed.

        Raises:
            ValueError: naming the field that would shrink, for then `earlier` is no earlier state.
        """
        return self._with("", earlier, _subtract)

    def _with(self, where: str, other: Self, combine: Callable[[str, Any, Any], Value]) -> Self:
        return type(self)(
            **{
                f.name: combine(where + f.name, getattr(self, f.name), getattr(other, f.name))
                for f in fields(self)
            }
        )


def _copy(value: Value) -> Value:
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return value if isinstance(value, int) else value.copy()


def _add(where: str, left: Any, right: Any) -> Value:  # noqa: ANN401 - two values of one type
    if not isinstance(left, dict):
        return left + right  # type: ignore[no-any-return]  # both are the same kind of Value
    both = {name: _copy(value) for name, value in left.items()}
    for name, value in right.items():
        both[name] = _add(f"{where}.{name}", both[name], value) if name in both else _copy(value)
    return both


def _subtract(where: str, later: Any, earlier: Any) -> Value:  # noqa: ANN401 - two of one type
    if isinstance(later, dict):
        gone = earlier.keys() - later.keys()
        if gone:
            raise ValueError(f"{where}: {sorted(gone)} would disappear; totals never shrink")
        return {
            name: _subtract(f"{where}.{name}", value, earlier[name])
            if name in earlier
            else _copy(value)
            for name, value in later.items()
        }
    if isinstance(later, Growing):
        return later._with(f"{where}.", earlier, _subtract)  # noqa: SLF001 - same class family
    if isinstance(later, int) and later < earlier:
        raise ValueError(f"{where}: {later} is less than {earlier}; totals never shrink")
    return later - earlier  # type: ignore[no-any-return]  # both are the same kind of Value
