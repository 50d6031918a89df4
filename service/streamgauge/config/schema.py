"""The JSON schema of the file, for editors and for programs that write the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from streamgauge.config.durations import format_duration
from streamgauge.config.section import Section
from streamgauge.config.settings import Config

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema


def json_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of what may stand in the file.

    Secrets are not in it, for they may not stand there.
    """
    schema = described()
    for section in (schema, *schema["$defs"].values()):
        section["properties"] = {
            key: setting
            for key, setting in section["properties"].items()
            if not setting.get("writeOnly")
        }
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


def described() -> dict[str, Any]:
    """JSON schema of all settings, secrets too: those are `writeOnly`."""
    schema = Config.model_json_schema(schema_generator=_Generator)
    for section in (schema, *schema["$defs"].values()):
        for setting in section["properties"].values():
            setting["description"] = " ".join(setting["description"].split())
    return schema


class _Generator(GenerateJsonSchema):
    """Describes what is written: no null, durations as text, titles that say what to write."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's hook
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        json_schema = super().default_schema(schema)
        default = schema.get("default")
        if default is None or isinstance(default, Section):
            json_schema.pop("default", None)
        elif schema["schema"].get("serialization", {}).get("function") is format_duration:
            json_schema["default"] = format_duration(default)
        return json_schema

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        json_schema = super().dict_schema(schema)
        for pattern, value in json_schema.pop("patternProperties", {}).items():
            json_schema |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
        return json_schema
