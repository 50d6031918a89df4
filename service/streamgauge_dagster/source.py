"""Where streams are described: in the gauge's own file, or in the words of a Dagster project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from streamgauge.config import ConfigError, load, of_values
from streamgauge.config.credentials import SECRETS, demand_secrets, read_files
from streamgauge.config.environment import variable_name
from streamgauge.config.errors import dotted
from streamgauge.config.kafka import Kafka

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from streamgauge.config import Config

_SECRETS: Final = tuple(key for section, key in SECRETS if section == "kafka")


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration as a gauge would have it, and how its brokers are reached."""

    config: Config
    """Without secrets."""
    kafka: Callable[[], Kafka]
    """The brokers with all that it takes to log in, for who polls them: it opens files, and raises
    `ConfigError` where something is missing or cannot be read."""


def file_source(path: str | os.PathLike[str], environ: Mapping[str, str]) -> Source:
    """The file that the gauge runs with, and the variables that it is given.

    Raises:
        ConfigError: everything that is wrong.
    """
    config = load(path, environ, with_secrets=False)
    return Source(config, lambda: load(path, environ).kafka)


def values_source(values: Mapping[str, Any], environ: Mapping[str, str]) -> Source:
    """What such a file would hold. Of the variables only the secrets of `kafka` are heard.

    Raises:
        ConfigError: everything that is wrong.
    """
    return Source(of_values(values), lambda: with_secrets(values["kafka"], environ))


def with_secrets(section: Mapping[str, Any], environ: Mapping[str, str]) -> Kafka:
    """The settings of a valid section `kafka`, with the secrets that its files or variables hold.

    Raises:
        ConfigError: a secret is missing, or cannot be read.
    """
    kafka = dict(section)
    for secret in _SECRETS:
        variable = variable_name(("kafka", secret))
        if secret not in kafka and variable in environ:
            kafka[secret] = environ[variable]
            kafka.pop(f"{secret}_file", None)
    values: dict[str, object] = {"kafka": kafka}
    problems = [*read_files(values), *demand_secrets(values)]
    if problems:
        raise ConfigError(f"{dotted(each.path)}: {each.text}" for each in problems)
    return Kafka.model_validate(kafka)
