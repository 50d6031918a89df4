"""What every section of the configuration shares, and how its structure is asked for."""

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """A mapping with known keys.

    A setting in milliseconds is called `<key>_ms`; its key in the file has no such ending, for
    what is written there is a duration.
    """

    model_config = ConfigDict(
        alias_generator=lambda name: name.removesuffix("_ms"),
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def settings_of(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """The settings of a section by their keys."""
    return {setting.alias or name: setting for name, setting in section.model_fields.items()}


def kind_of(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """The annotation without its `Annotated[...]` and `| None`."""
    if get_origin(annotation) is Annotated:
        return kind_of(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        members = [member for member in get_args(annotation) if member is not NoneType]
        return kind_of(members[0]) if len(members) == 1 else annotation
    return annotation


def section_of(annotation: object) -> type[Section] | None:
    """The section that the annotation stands for, None if it is something else."""
    kind = kind_of(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def annotation_below(annotation: object, step: str | int) -> object:
    """What stands one step below: a setting of a section, a value of a mapping, a list's entry."""
    section = section_of(annotation)
    if section is not None:
        setting = settings_of(section).get(str(step))
        return setting and setting.annotation
    inside = get_args(kind_of(annotation))
    return inside[-1 if get_origin(kind_of(annotation)) is dict else 0] if inside else None
