"""Who outlined a film: weights, or a person."""

from __future__ import annotations

from dataclasses import dataclass

_SHOWN_DIGITS = 12


@dataclass(frozen=True)
class By:
    """Weights in a few words and their hash; of labels, none."""

    label: str
    sha256: str | None = None

    def text(self) -> str:
        """Return it as a sentence."""
        return f"By {self.label}" + (
            f", SHA-256 {self.sha256[:_SHOWN_DIGITS]}." if self.sha256 else "."
        )
