"""What is said of a configuration that cannot be used: where, what is wrong and what to do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a setting: keys of mappings and positions in lists."""

_LONGEST_SHOWN = 60
_BARE_KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds every reason, one plain line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the setting at `path`."""

    path: KeyPath
    text: str


class RuleError(ValueError):
    """Settings that are valid each on its own do not go together.

    The paths of its problems begin at the section whose rule it is.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.text for problem in problems))


def dotted(path: KeyPath) -> str:
    """The path as people write it, for example `streams.orders.groups[1]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _BARE_KEY.fullmatch(step) else shown(step)
            text += f".{key}" if text else key
    return text


def shown(value: object) -> str:
    """A value as it may stand in a sentence: on one line, quoted if it is text, and short.

    Never for the text of a setting that could hold a secret.
    """
    text = json.dumps(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def hint(name: str, known: Collection[str]) -> str:
    """The name that is most like an unknown one, or all that there are."""
    nearest = get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(known)}"
