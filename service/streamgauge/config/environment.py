"""Environment variables laid over the file: `STREAMGAUGE_KAFKA__CLIENT_ID` is `kafka.client_id`.

pydantic-settings turns names into nested settings. What is ours is decided here before: a name
without `__` is never a setting (Kubernetes sets STREAMGAUGE_PORT and the like for a service of that
name), one with `__` must be one. Only environment variables pass through `BaseSettings`, because it
takes its own options (`_env_file`, `_secrets_dir`) as keywords beside the keys of its input.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from pydantic import create_model
from pydantic_settings import BaseSettings, EnvSettingsSource

from streamgauge.config.document import YamlError, parse
from streamgauge.config.errors import dotted
from streamgauge.config.section import section_of, settings_of
from streamgauge.config.settings import Config
from streamgauge.config.streams import Stream
from streamgauge.config.written import EnvironmentText

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic.fields import FieldInfo

    from streamgauge.config.errors import KeyPath
    from streamgauge.config.section import Section

PREFIX: Final = "STREAMGAUGE_"
DELIMITER: Final = "__"


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says."""

    values: Mapping[str, object]
    """Nested as in the file."""
    variables: Mapping[KeyPath, str]
    """The variable that set a setting."""
    problems: list[str]
    """Names that are none of ours although they look so."""


def read_environment(environ: Mapping[str, str], streams: Iterable[str]) -> Environment:
    """The settings in `environ`, which may speak of the streams with these names."""
    known: dict[str, list[KeyPath]] = defaultdict(list)
    for path in _settings(Config, (), tuple(streams)):
        known[variable_name(path)].append(path)
    variables: dict[KeyPath, str] = {}
    problems = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or DELIMITER not in variable:
            continue
        paths = known.get(variable.upper(), [])
        if len(paths) != 1:
            problems.append(f"{dotted((variable,))}: {_refusal(variable, paths, known)}")
        elif paths[0] in variables:
            told = f"sets {dotted(paths[0])}, as {variables[paths[0]]} does: unset one of the two"
            problems.append(f"{variable}: {told}")
        else:
            variables[paths[0]] = variable
    texts = {_spelled(path): EnvironmentText(environ[name]) for path, name in variables.items()}
    return Environment(_Source(texts)(), variables, problems)


def variable_name(path: KeyPath) -> str:
    """The variable that sets the setting at `path`; what is no letter or digit becomes `_`."""
    return PREFIX + DELIMITER.join(re.sub(r"[^A-Z0-9]", "_", str(key).upper()) for key in path)


def _settings(section: type[Section], path: KeyPath, streams: tuple[str, ...]) -> Iterator[KeyPath]:
    """The path of each setting that a variable can set."""
    for key, setting in settings_of(section).items():
        inner = section_of(setting.annotation)
        if inner is not None:
            yield from _settings(inner, (*path, key), streams)
        elif (*path, key) == ("streams",):
            for name in streams:
                yield from _settings(Stream, (key, name), streams)
        elif path:
            yield (*path, key)


def _refusal(variable: str, paths: list[KeyPath], known: Mapping[str, object]) -> str:
    if paths:
        return f"could mean {' or '.join(dotted(path) for path in paths)}: set it in the file"
    ours = [name.removeprefix(PREFIX) for name in known]
    nearest = get_close_matches(variable.upper().removeprefix(PREFIX), ours, n=1)
    hint = f"did you mean {PREFIX}{nearest[0]}?" if nearest else "unset it"
    return f"is no setting of streamgauge; {hint}"


_FIELDS: Final[dict[str, Any]] = {
    name: (setting.annotation, None) for name, setting in Config.model_fields.items()
}
_ENVIRONMENT: Final = create_model("_ENVIRONMENT", __base__=BaseSettings, **_FIELDS)
"""The settings as pydantic-settings wants to have them declared."""


class _Source(EnvSettingsSource):
    """pydantic-settings' environment, with the variables that it is given in place of all."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(
            _ENVIRONMENT, case_sensitive=True, env_prefix=PREFIX, env_nested_delimiter=DELIMITER
        )

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._variables

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: object) -> object:  # noqa: ARG002 - pydantic-settings' hook
        """A list or mapping in YAML or JSON, or texts separated by commas."""
        text = str(value)
        if not text.lstrip().startswith(("[", "{")):
            return [part.strip() for part in text.split(",")]
        try:
            return parse(text).value
        except YamlError:
            return text  # what is wrong with text in this place is told when it is read


def _spelled(path: KeyPath) -> str:
    """The path as the name that pydantic-settings takes apart again."""
    return PREFIX + DELIMITER.join(str(key) for key in path)
