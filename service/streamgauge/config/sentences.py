"""What pydantic found, told in plain words with the path as it stands in the file."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import SecretStr

from streamgauge.config.errors import Problem, RuleError, shown
from streamgauge.config.section import annotation_below, kind_of, section_of, settings_of
from streamgauge.config.settings import Config
from streamgauge.config.written import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic import ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from streamgauge.config.errors import KeyPath
    from streamgauge.config.section import Section

_EVENT_TIME: Final = "must be {header: name}, {pointer: /path}, {first_sighting: stream} or record"
_NAMED: Final = re.compile(r"'([^']*)'")


def told(error: ValidationError, values: object, root: type[Section] = Config) -> list[Problem]:
    """The problems that pydantic found in `values`, which should be a `root`."""
    return [
        problem
        for details in error.errors(include_url=False)
        for problem in _problems(details, values, root)
    ]


def _problems(details: ErrorDetails, values: object, root: type[Section]) -> Iterator[Problem]:
    path = _path(details["loc"], values)
    reason = details.get("ctx", {}).get("error")
    if isinstance(reason, RuleError):
        yield from (Problem(path + problem.path, problem.text) for problem in reason.problems)
    elif not _follows(details):
        tell = _SENTENCES.get(details["type"], _otherwise)
        yield Problem(path, tell(details["input"], details.get("ctx", {}), _Place(root, path)))


class _Place(NamedTuple):
    """Where in which file a problem is."""

    root: type[Section]
    path: KeyPath

    @property
    def settings_beside(self) -> Mapping[str, FieldInfo]:
        """The settings of the section in which the path ends."""
        annotation: object = self.root
        for step in self.path[:-1]:
            annotation = annotation_below(annotation, step)
        return settings_of(section_of(annotation) or self.root)


def _choice(said: object, context: Mapping[str, Any], _place: _Place) -> str:
    choices = _NAMED.findall(context["expected"])
    by_upper = {choice.upper(): choice for choice in choices}
    nearest = get_close_matches(str(said).upper(), by_upper, n=1)
    hint = f"; did you mean {by_upper[nearest[0]]}?" if nearest else ""
    what = f"{shown(said)}{hint}" if isinstance(said, str) else kind(said)
    return f"must be one of {', '.join(choices)}, not {what}"


def _unknown(_said: object, _context: Mapping[str, Any], place: _Place) -> str:
    known = [
        key
        for key, setting in place.settings_beside.items()
        if kind_of(setting.annotation) is not SecretStr
    ]
    nearest = get_close_matches(str(place.path[-1]), known, n=1)
    if nearest:
        return f"unknown key; did you mean {nearest[0]}?"
    return f"unknown key; known here: {', '.join(known)}"


def _missing(_said: object, _context: Mapping[str, Any], place: _Place) -> str:
    setting = place.settings_beside[str(place.path[-1])]
    description = " ".join((setting.description or "").split())
    return f"is missing: {re.split(r'[.;:](?: |$)', description)[0]}"


def _follows(details: ErrorDetails) -> bool:
    """Whether it only says that another setting, which is told of too, was not valid."""
    shrunken = details["type"] == "too_short" and bool(details["input"])
    return shrunken or details["type"] == "default_factory_not_called"


def _path(location: tuple[str | int, ...], values: object) -> KeyPath:
    """Where pydantic means, without the names that it gives to kinds and keys."""
    path: KeyPath = ()
    for step in location:
        if isinstance(values, dict) and step != "[key]":
            values = values.get(step)
        elif isinstance(values, list) and isinstance(step, int):
            values = values[step]
        else:
            continue
        path = (*path, step)
    return path


def _otherwise(said: object, _context: Mapping[str, Any], _place: _Place) -> str:
    return f"cannot be {kind(said)}"


_SENTENCES: Final[Mapping[str, Callable[[object, Mapping[str, Any], _Place], str]]] = {
    "value_error": lambda _said, context, _place: str(context["error"]),
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _choice,
    "union_tag_not_found": lambda _said, _context, _place: _EVENT_TIME,
    "union_tag_invalid": lambda _said, _context, _place: _EVENT_TIME,
    "too_short": lambda _said, context, _place: f"is empty: give at least {context['min_length']}",
    "too_long": lambda _said, context, _place: f"has more than {context['max_length']} entries",
    "tuple_type": lambda said, _context, _place: f"must be a list, not {kind(said)}",
    "dict_type": lambda said, _context, _place: f"must be a mapping, not {kind(said)}",
    "model_type": lambda said, _context, _place: f"must be a mapping, not {kind(said)}",
}
"""What is told for each type of error of pydantic, from what was said, its context and place."""
