"""The project's errors. All of them are `RecogniserError`; `str()` of an error is one line."""

from app.wording import escape_controls


class RecogniserError(Exception):
    """Something a user can act on. The message says what, where and what next, in one line."""

    def __str__(self) -> str:
        return escape_controls(super().__str__())


class SourceError(RecogniserError):
    """A camera, video, image or stream could not be opened or read."""


class SinkError(RecogniserError):
    """A window, video, picture or records file could not be made."""


class ModelError(RecogniserError):
    """A model file is missing, damaged, without a contract, or not what its contract says."""


class DeviceError(RecogniserError):
    """The device that was asked for is not there or does not work."""


class DataError(RecogniserError):
    """A data set is missing, damaged or not in the form that was announced."""


class TrainingError(RecogniserError):
    """Training, evaluation or export cannot go on."""
