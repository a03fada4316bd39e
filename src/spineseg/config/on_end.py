"""Who is told when a study ends: a command of the user's, an address on the web, or both."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from spineseg.config.model import Chosen


def _argument_list(value: Any) -> Any:
    """Refuse a command as one text: no shell is there to take it apart."""
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError("must be a list of texts, as [notify-send, done]; no shell reads it")
    if not value or not value[0].strip():
        raise ValueError("must name a program first, as [notify-send, done]")
    if any("\0" in word for word in value):
        raise ValueError("must hold no null character; remove it")
    return value


class OnEndConfig(Chosen):
    """Who is told, with a JSON of what happened, when a study has ended or a model is promoted.

    Tried once, for seconds; a failure is one line and changes nothing.
    """

    command: Annotated[tuple[str, ...] | None, BeforeValidator(_argument_list)] = Field(
        None, description="Program and arguments, run without a shell; the JSON is its input."
    )
    webhook: SecretStr | None = Field(
        None, description="Address that the JSON is posted to; never shown, it may hold a token."
    )

    @model_validator(mode="after")
    def _someone_is_told(self) -> OnEndConfig:
        # Checked here rather than at the field: a field's error shows the address.
        if self.command is None and self.webhook is None:
            raise ValueError("names neither a command nor a webhook; give one, or remove on_end")
        if self.webhook is not None and not _is_address(self.webhook.get_secret_value()):
            raise ValueError("webhook must be an address as https://HOST/PATH, without spaces")
        return self


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
        return known and parts.port != 0 and text.isascii() and not set(text) & set(" \t\r\n\x7f")
    except ValueError:
        return False
