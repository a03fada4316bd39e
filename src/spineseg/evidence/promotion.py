"""How a promotion ended: the gates with their figures, kept in the study's folder."""

from __future__ import annotations

from pathlib import Path

from spineseg.config.model import Model
from spineseg.errors import RecordError
from spineseg.evidence.results import GateResult
from spineseg.files import write_whole


class Registered(Model):
    """A version that was given an alias without a gate: rolled back to, or a challenger."""

    model_name: str
    version: str
    alias: str
    run: str | None = None  # None for a version that was there before.
    champion: str | None = None  # The version beside a challenger; None where there is none.
    synthetic: bool | None = None

    def text(self) -> str:
        """Return what was done as a person reads it."""
        if self.run is None:
            return f"version {self.version} of {self.model_name} is {self.alias} again"
        warning = "\nIt was trained on synthetic X-rays: not for patients." * bool(self.synthetic)
        return (
            f"{self.run} is now version {self.version} of {self.model_name}, alias {self.alias}\n"
            "No gate was asked and the test part was not looked at: it is not promoted, "
            f"{self._beside()}.{warning}"
        )

    def _beside(self) -> str:
        if self.champion is None:
            return "and there is no champion"
        return f"the champion stays version {self.champion}"


class Promotion(Model):
    """Whether a configuration was promoted, and by which figures."""

    run: str
    promoted: bool
    model_name: str
    version: str | None
    against: str
    gates: tuple[GateResult, ...]
    test_opened: bool  # Now, or before.
    scored: bool  # Gates on the test part were asked, too.
    is_champion: bool = False  # The configuration was promoted before.
    synthetic: bool

    def text(self) -> str:
        """Return the verdict as a person reads it."""
        lines = [
            f"{'passed ' if gate.passed else 'REFUSED'}  {gate.name}: {gate.figure}"
            for gate in self.gates
        ]
        if self.promoted:
            lines.append(
                f"\n{self.run} is now version {self.version} of {self.model_name}, alias champion"
            )
        else:
            state = "is the champion already" if self.is_champion else "is not promoted"
            there = self.against != "baseline"
            stays = "the champion stays as it is" if there else "there is no champion"
            lines.append(f"\n{self.run} {state}; {stays}")
            if not self.test_opened:
                lines.append("The test part was not opened: it stays sealed for a better one.")
            elif not self.scored:
                lines.append("The test part was opened before, and not looked at again.")
        if self.synthetic:
            lines.append("It was trained and measured on synthetic X-rays: not for patients.")
        return "\n".join(lines)

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_whole(path, self.model_dump_json(indent=1))

    @classmethod
    def load(cls, path: Path) -> Promotion | None:
        """Read what `save` wrote; None without a file. Raises RecordError where it is damaged."""
        if not path.exists():
            return None
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValueError):
            raise RecordError(
                f"{path}: cannot be read as a promotion's verdict; remove it, and promote again"
            ) from None
