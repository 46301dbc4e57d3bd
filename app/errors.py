"""Defines the errors that a user can act on. `str()` of such an error is one line.

    Exception
    └── RecogniserError         the base class: `except RecogniserError` catches all below
        ├── SourceError         a camera, video, picture or stream cannot be opened or read
        │   └── UnreachableError    a live source does not answer (app.sources.latest_frame)
        ├── SinkError           a window, video, picture or records file cannot be made
        │   ├── BusyError           another run is writing the result (app.files.hidden)
        │   └── DisplacedError      the result is complete, but under another name, because a
        │                           file came to be under its own (app.files.hidden)
        ├── ModelError          a model file is missing, damaged or contradicts its contract
        ├── ProfileError        a person's profile is missing, damaged or of another model
        ├── DeviceError         the processor that was asked for is missing or does not work
        │   └── WorkersLostError    workers elsewhere cannot be reached any more (app.batch.run_all)
        ├── DataError           a data set is missing, damaged or of another form (training)
        └── TrainingError       training, evaluation or export cannot go on
    ImportError
    └── UnfitMachineError       a package cannot work here (app.requirements.system_needs)

An error that ends a command gives one line on stderr and exit code 2. A run that keeps its results
up to an error gives exit code 1, and so does a `DisplacedError` at the end of a run. Any other
exception is a fault of this program and shows its traceback.
"""

from app.wording import escape_controls


class RecogniserError(Exception):
    """An error that a user can act on. The message names the trouble, its place and a remedy."""

    def __str__(self) -> str:
        return escape_controls(super().__str__())


class SourceError(RecogniserError):
    """A camera, video, picture or stream cannot be opened or read."""


class SinkError(RecogniserError):
    """A window, video, picture or records file cannot be made."""


class ModelError(RecogniserError):
    """A model file is missing, damaged, without a contract, or contradicts its contract."""


class ProfileError(RecogniserError):
    """A person's profile is missing, damaged or of another model, or nothing can be taught."""


class DeviceError(RecogniserError):
    """The processor that was asked for is missing or does not work."""


class DataError(RecogniserError):
    """A data set is missing, damaged or of another form than announced."""


class TrainingError(RecogniserError):
    """Training, evaluation or export cannot go on."""
