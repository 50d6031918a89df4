"""docs/configuration.md, written from the model, so that nothing is documented twice."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from streamgauge.config.durations import EXAMPLES, format_duration
from streamgauge.config.environment import variable_name
from streamgauge.config.schema import described
from streamgauge.core.checks.registry import CHECKS

if TYPE_CHECKING:
    from streamgauge.core.checks.policy import Check, Limit

_INTRODUCTION: Final = f"""\
# Configuration

<!-- Written by `streamgauge schema --format markdown`: change the model, not this file. -->

streamgauge reads one YAML file and lays environment variables over it.
[streamgauge.example.yaml](streamgauge.example.yaml) is one to begin with.

**The file** is read strictly. An unknown key, a key that stands twice and a key without a value are
errors, and all errors are told at once, each with its line. Plain words mean what YAML 1.2 says:
`on`, `yes` and `1:30` are text. Anchors and aliases are understood; tags and merge keys (`<<`) are
not. A file has at most 1 MiB.

**Environment variables** set single settings: `{variable_name(("kafka", "client_id"))}` is
`kafka.client_id`, and `{variable_name(("streams", "my-orders", "topic"))}` is the topic of the
stream `my-orders`, which the file must have. Two underscores stand between the keys, and what is no
letter or digit becomes an underscore. Lists are written as `a,b` or, like mappings, as JSON. A
variable with two underscores that is no setting is an error; one without is left alone, for
Kubernetes sets such names (`STREAMGAUGE_PORT`) beside a service called streamgauge.

**Secrets** never stand in the file. Each comes from its environment variable, or from a file that
the setting of the same name with `_file` at its end names. The variable is preferred.

**Durations** are written with units: {EXAMPLES}.

**Files** are found from the working directory of the process.
"""


@dataclass(slots=True)
class _Row:
    """One setting; what it may hold differs where several sections share a heading."""

    default: str
    values: list[str] = field(default_factory=list)
    meanings: list[str] = field(default_factory=list)

    def add(self, value: str, meaning: str) -> None:
        """Notes what one of the sections says, once."""
        for told, texts in ((value, self.values), (meaning, self.meanings)):
            if told not in texts:
                texts.append(told)


@dataclass(slots=True)
class _Heading:
    """One or several sections with the same title, which are told as one."""

    descriptions: list[str] = field(default_factory=list)
    rows: dict[str, _Row] = field(default_factory=dict)


def markdown() -> str:
    """The reference of all settings, as Markdown."""
    schema = described()
    headings: dict[str, _Heading] = {}
    _collect(schema, schema["$defs"], headings)
    parts = [_INTRODUCTION]
    for title, heading in headings.items():
        rows = [
            f"| `{key}` | {', '.join(row.values)} | {row.default} | {' '.join(row.meanings)} |"
            for key, row in heading.rows.items()
        ]
        table = "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])
        parts.append(
            f"## {_quoted(title)}\n\n" + "\n\n".join([*heading.descriptions, table]) + "\n"
        )
    return "\n".join([*parts, _check_defaults()])


def _check_defaults() -> str:
    """What each check demands if nothing is configured, from the checks themselves."""
    rows = [
        f"| `{check.name}` | {_limit(check, check.default.warn)} "
        f"| {_limit(check, check.default.fail)} "
        f"| {format_duration(check.default.keep_failing_for_ms)} "
        f"| `{check.default.on_no_data.value}` | {check.unit} |"
        for check in CHECKS
    ]
    names = "| check | warn | fail | keep_failing_for | on_no_data | unit |"
    return "\n".join(["## Defaults of the checks", "", names, "|---" * 6 + "|", *rows, ""])


def _limit(check: Check, limit: Limit | None) -> str:
    if limit is None:
        return "-"
    bounds = {"above": limit.above, "below": limit.below}
    told = [
        f"{name} {check.amount(value) if check.names else f'{value:g}'}"
        for name, value in bounds.items()
        if value is not None
    ]
    return " or ".join(told) + (f" for {format_duration(limit.for_ms)}" if limit.for_ms else "")


def _collect(section: dict[str, Any], defs: dict[str, Any], headings: dict[str, _Heading]) -> None:
    """Notes the section and, after it, those that it leads to."""
    heading = headings.setdefault(section["title"], _Heading())
    description = section.get("description", "")
    if description and description not in heading.descriptions:
        heading.descriptions.append(description)
    for key, setting in section["properties"].items():
        default = "required" if key in section.get("required", ()) else ""
        if "default" in setting:
            default = f"`{json.dumps(setting['default'], ensure_ascii=False).strip(chr(34))}`"
        secret = setting.get("writeOnly")
        variable = f"only as `{variable_name((section['title'], key))}`"
        value = variable if secret else _value(setting, defs)
        heading.rows.setdefault(key, _Row(default)).add(value, setting["description"])
    for setting in section["properties"].values():
        for name in re.findall(r"#/\$defs/(\w+)", json.dumps(setting)):
            _collect(defs[name], defs, headings)


def _value(setting: dict[str, Any], defs: dict[str, Any]) -> str:
    """What may be written, in words."""
    choices = setting.get("oneOf") or [{"const": choice} for choice in setting.get("enum", ())]
    if choices:
        return ", ".join(dict.fromkeys(_value(choice, defs) for choice in choices))
    if "const" in setting:
        return f"`{setting['const']}`"
    if "$ref" in setting:
        section = defs[setting["$ref"].rpartition("/")[2]]
        title, limit = section["title"], section["properties"].get("warn")
        link = f"[{_quoted(title)}](#{re.sub(r'[^a-z_ -]', '', title).replace(' ', '-')})"
        return f"{link} with {_value(limit, defs)}" if limit else link
    if "items" in setting and "title" not in setting:
        return f"list of {_value(setting['items'], defs)}"
    return (
        setting.get("title") or f"names, each with {_value(setting['additionalProperties'], defs)}"
    )


def _quoted(title: str) -> str:
    """A title that is a key in the file, as code."""
    return title if " " in title else f"`{title}`"
