"""Secrets come from environment variables or files, never from the YAML; named files must open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from streamgauge.config.environment import variable_name
from streamgauge.config.errors import Problem, dotted
from streamgauge.config.section import kind_of, section_of, settings_of
from streamgauge.config.settings import Config
from streamgauge.config.written import has_control_characters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamgauge.config.errors import KeyPath

LONGEST_SECRET: Final = 64 * 1024
"""Bytes that the file of a secret may have."""
_WITH_PASSWORD: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def _settings_of_kind(kind: type) -> tuple[tuple[str, str], ...]:
    """Section and key of every setting of this kind."""
    return tuple(
        (name, key)
        for name, top in settings_of(Config).items()
        if (section := section_of(top.annotation)) is not None
        for key, setting in settings_of(section).items()
        if kind_of(setting.annotation) is kind
    )


SECRETS: Final = _settings_of_kind(SecretStr)
"""Section and key of every secret."""
_FILES: Final = _settings_of_kind(Path)


def refuse_secrets(values: dict[str, object]) -> list[Problem]:
    """Tells of each secret that stands in the file where it belongs instead."""
    return [
        Problem(path, f"must not stand in the file: set {' or '.join(_ways(path))}")
        for path in SECRETS
        if path[1] in _section(values, path)
    ]


def prefer_variables(values: dict[str, object], variables: Mapping[KeyPath, str]) -> list[Problem]:
    """Drops the file of a secret where a variable holds the secret itself."""
    problems = []
    for path in SECRETS:
        of_file = _file_of(path)
        if path in variables and of_file in variables:
            told = f"sets the same secret as {variables[path]}: unset one of the two"
            problems.append(Problem(of_file, told))
        elif path in variables:
            _section(values, path).pop(of_file[1], None)
    return problems


def read_files(values: dict[str, object]) -> list[Problem]:
    """Opens every file that is named, and puts what a secret's file holds in its place."""
    secrets = {_file_of(path): path for path in SECRETS}
    problems = []
    for path in _FILES:
        section = _section(values, path)
        name = section.get(path[1])
        if not isinstance(name, str) or not name or has_control_characters(name):
            continue  # this is no name of a file: told when the setting is read
        try:
            content = _content(name)
            if path in secrets:
                section[secrets[path][1]] = _without_line_break(content)
        except OSError as error:
            problems.append(Problem(path, f"cannot be read: {error.strerror}"))
        except ValueError as error:
            problems.append(Problem(path, f"its file {error}"))
    return problems


def demand_secrets(values: dict[str, object]) -> list[Problem]:
    """Tells which secrets are missing, and which of those that are there cannot be sent."""
    problems = []
    for path, reason in _needed(values):
        section = _section(values, path)
        if path[1] not in section and _file_of(path)[1] not in section:
            told = f"is missing: {reason} needs it; set {' or '.join(_ways(path))}"
            problems.append(Problem(path, told))
    for path in SECRETS:
        secret = _section(values, path).get(path[1])
        if isinstance(secret, str) and (not secret or has_control_characters(secret)):
            told = "is empty" if not secret else "must be one line without control characters"
            problems.append(Problem(path, told))
        elif path == ("dagster", "token") and isinstance(secret, str) and not secret.isascii():
            problems.append(Problem(path, "must be ASCII: it is sent in a header"))
    return problems


def _needed(values: dict[str, object]) -> Iterator[tuple[tuple[str, str], str]]:
    """Each secret that another setting needs, and that setting."""
    kafka = _section(values, ("kafka",))
    mechanism = kafka.get("sasl_mechanism")
    if mechanism in _WITH_PASSWORD:
        yield ("kafka", "sasl_password"), f"sasl_mechanism {mechanism}"
    if mechanism == "OAUTHBEARER" and "oauth_token_url" in kafka:
        yield ("kafka", "oauth_client_secret"), "oauth_token_url"
    if "username" in _section(values, ("dagster",)):
        yield ("dagster", "password"), "username"


def _section(values: dict[str, object], path: tuple[str, ...]) -> dict[str, object]:
    """The section of a setting; an empty one where there is none."""
    section = values.get(path[0])
    return section if isinstance(section, dict) else {}


def _file_of(secret: tuple[str, str]) -> tuple[str, str]:
    """The setting that names the file of a secret."""
    return (secret[0], f"{secret[1]}_file")


def _ways(secret: tuple[str, str]) -> tuple[str, str]:
    """The two ways to give a secret."""
    return (variable_name(secret), dotted(_file_of(secret)))


def _content(name: str) -> bytes:
    with Path(name).open("rb") as file:
        return file.read(LONGEST_SECRET + 1)


def _without_line_break(content: bytes) -> str:
    """The secret in a file.

    Raises:
        ValueError: how the file is none that holds a secret.
    """
    if len(content) > LONGEST_SECRET:
        raise ValueError("is larger than 64 KiB: it holds no secret")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise ValueError("is empty")
    if has_control_characters(secret):
        raise ValueError("must hold one line without control characters")
    return secret
