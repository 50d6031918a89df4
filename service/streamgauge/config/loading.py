"""A configuration is loaded whole or not at all, and all that is wrong with it is told at once."""

from __future__ import annotations

from math import inf
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import ValidationError

from streamgauge.config.credentials import (
    demand_secrets,
    prefer_variables,
    read_files,
    refuse_secrets,
)
from streamgauge.config.document import Document, read_document
from streamgauge.config.environment import Environment, read_environment
from streamgauge.config.errors import ConfigError, Problem, dotted
from streamgauge.config.sentences import told
from streamgauge.config.settings import Config

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from streamgauge.config.errors import KeyPath
    from streamgauge.config.section import Section

    SectionT = TypeVar("SectionT", bound=Section)

MOST_TOLD: Final = 100
"""Problems that are told; of what is more, the number is."""


def load(
    path: str | os.PathLike[str], environ: Mapping[str, str], *, with_secrets: bool = True
) -> Config:
    """The configuration in the YAML file at `path`, with the variables in `environ` laid over it.

    With `with_secrets=False` no file but the YAML is opened and no secret is demanded: for a reader
    on another machine, who asks for streams and asset keys only.

    Raises:
        ConfigError: everything that is wrong, in the order of the file, then of the variables.
    """
    return _loaded(read_document(path), environ, with_secrets=with_secrets)


def of_values(values: Mapping[str, object]) -> Config:
    """The configuration that these values make, as a file with them would without its secrets.

    Raises:
        ConfigError: everything that is wrong.
    """
    return _loaded(Document(values, {}, ()), {}, with_secrets=False)


def load_section(
    path: str | os.PathLike[str], section: type[SectionT], *, holds: str, keys: str
) -> SectionT:
    """What another file of ours says, read as strictly, without variables and secrets.

    Args:
        path: of the file.
        section: that it is.
        holds: what it is, as a noun.
        keys: that it should have, in words.

    Raises:
        ConfigError: everything that is wrong, in the order of the file.
    """
    document = read_document(path, holds=holds, keys=keys)
    problems = [*document.problems, *_empty(document.value, ())]
    try:
        read = section.model_validate(document.value)
    except ValidationError as error:
        problems += told(error, document.value, section)
    else:
        if not problems:
            return read
    nothing = Environment({}, {}, [])
    raise ConfigError(_bounded(f"{path}: {line}" for line in _lines(problems, document, nothing)))


def _loaded(document: Document, environ: Mapping[str, str], *, with_secrets: bool) -> Config:
    said = document.value if isinstance(document.value, dict) else {}
    streams = said.get("streams")
    environment = read_environment(environ, streams if isinstance(streams, dict) else ())
    problems = [*document.problems, *refuse_secrets(said), *_empty(said, ())]
    values = _overlaid(said, environment.values)
    problems += prefer_variables(values, environment.variables)
    if with_secrets:
        problems += read_files(values)
        problems += demand_secrets(values)
    config = None
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        problems += told(error, values)
    if config is None or problems or environment.problems:
        raise ConfigError(
            _bounded([*_lines(problems, document, environment), *environment.problems])
        )
    return config


def _bounded(problems: Iterable[str]) -> list[str]:
    lines = list(problems)
    more = len(lines) - MOST_TOLD
    return lines if more <= 0 else [*lines[:MOST_TOLD], f"and {more} more"]


def _empty(value: object, path: KeyPath) -> Iterator[Problem]:
    """Keys without a value, which look as if they were set."""
    inside: Iterable[tuple[str | int, object]] = ()
    if value is None:
        yield Problem(path, "has no value: give it one ({} is an empty section), or remove it")
    elif isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for step, below in inside:
        yield from _empty(below, (*path, step))


def _overlaid(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Both as one, in new mappings that no alias shares; where both speak, `above` is heard."""
    merged = {
        key: _overlaid(value, {}) if isinstance(value, dict) else value
        for key, value in below.items()
    }
    for key, value in above.items():
        old = merged.get(key)
        if not isinstance(value, dict):
            merged[key] = value
        elif old is None or isinstance(old, dict):
            merged[key] = _overlaid(old or {}, value)
    return merged


def _lines(problems: list[Problem], document: Document, environment: Environment) -> list[str]:
    """One line for each setting that is wrong, in the order of the file."""
    first: dict[KeyPath, Problem] = {}
    for problem in problems:
        first.setdefault(problem.path, problem)
    lines = []
    for problem in first.values():
        line, where = _where(problem.path, document, environment)
        name = dotted(problem.path) + (f" ({where})" if where else "")
        lines.append((line, f"{name}: {problem.text}"))
    return [text for _, text in sorted(lines, key=itemgetter(0))]


def _where(path: KeyPath, document: Document, environment: Environment) -> tuple[float, str]:
    """A number to sort by, and what said the setting or the section that it is missing from."""
    above = [path[:end] for end in range(len(path), 0, -1)]
    for part in above:
        if part in environment.variables:
            return inf, environment.variables[part]
    for part in above:
        if part in document.lines:
            return document.lines[part], f"line {document.lines[part]}"
        for setting, variable in environment.variables.items():
            if setting[: len(part)] == part:
                return inf, variable
    return inf, ""
