"""The one family of errors that a person can mend: shown as one line, exit code 2."""


class SpinesegError(Exception):
    """A wrong input or environment. The message names the value, the rule and the remedy."""


class ConfigError(SpinesegError):
    """A configuration file or an override that breaks a rule."""


class DataError(SpinesegError):
    """A dataset that is missing, damaged or inconsistent."""


class UnlabelledError(DataError):
    """A folder of films of which nobody said yet what is on them; `films` is how many."""

    def __init__(self, message: str, films: int) -> None:
        super().__init__(message)
        self.films = films


class WeightsError(SpinesegError):
    """Weights that are missing, unreadable or of another kind than asked for."""


class RunError(SpinesegError):
    """A training that was needed for an answer and did not end well."""


class StoreError(SpinesegError):
    """The study store or the tracking store cannot be reached, or lacks what was asked for."""


class RefusedError(StoreError):
    """A store that answers, and refuses what is asked of it: waiting does not help."""


class NoneYetError(StoreError):
    """Nothing was registered under that name yet; `what` says so, without what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what


class InUseError(StoreError):
    """The study is in the hands of another process, which goes on with it."""


class FullDiskError(SpinesegError):
    """The disk has too little room for what is to be written; nothing was begun."""


class RecordError(SpinesegError):
    """A run's folder that is damaged, of another version, or not the run that is asked for."""
