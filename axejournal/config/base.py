"""What all models of the configuration share: frozen, nothing unknown, nothing converted in silence, all faults at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

FAULT = "axej"
"""The type of our own errors among pydantic's; `message` and `remedy` are in their context."""


def fault(message: str, remedy: str) -> PydanticCustomError:
    """A fault to raise in a validator: what is wrong, and what to write instead."""
    return PydanticCustomError(FAULT, "{message}", {"message": message, "remedy": remedy})


class Strict(BaseModel):
    """The base of all models. A subclass may allow a short form (`long_form`, shown to editors by SHORT) and name what
    is wrong between its fields (`together`); that is reported beside the faults of single fields, not after them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True
    )  # built once, as a part of Config

    SHORT: ClassVar[JsonSchemaValue | None] = None
    SECTIONS: ClassVar[tuple[str, ...]] = ()  # keys of models with defaults: absent is the same as empty

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """What was written, as the mapping that the fields are read from. Raises PydanticCustomError."""
        return written

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """Faults between fields: the key that each stands at ("" for the whole), and the fault."""
        return iter(())

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults(cls, written: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(written, cls):
            return written
        mapping = cls.long_form(written)
        if cls.SECTIONS and isinstance(mapping, Mapping):  # their own defaults would each be built by themselves: slow
            mapping = {**{name: {} for name in cls.SECTIONS}, **mapping}
        lines = [_line(key, found) for key, found in cls.together(mapping)] if isinstance(mapping, Mapping) else []
        if not lines:
            return handler(mapping)
        try:
            handler(mapping)
        except ValidationError as others:
            lines += [_again(error) for error in others.errors(include_url=False)]
        raise ValidationError.from_exception_data(cls.__name__, lines)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        long = handler(core_schema)
        return long if cls.SHORT is None else {"anyOf": [cls.SHORT, long]}


def _line(key: str, found: PydanticCustomError) -> InitErrorDetails:
    return InitErrorDetails(type=found, loc=(key,) if key else (), input=None)


def _again(error: Any) -> InitErrorDetails:
    """pydantic takes back only its own kinds of error by name; as a custom one each keeps its kind and its context."""
    context = {"message": error["msg"], **error.get("ctx", {})}
    return InitErrorDetails(type=PydanticCustomError(error["type"], "{message}", context), loc=error["loc"], input=error["input"])
