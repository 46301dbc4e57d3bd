"""The plan of one run as typed values: what is read, with which settings, and where results go.

`app.cli.make_plan` makes plans from the options of `run_demo.py`. Everything that carries a plan
out takes the plan and knows no options.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.events.osc_address import OscTarget
from app.outputs.encoders import Encoding
from app.outputs.run_metadata import name_notes
from app.overlay.scene import HudMode
from app.privacy.face_ledger import IfLost
from app.recognition.classifier import DEFAULT_MODEL, Device
from app.sources.camera_address import CameraAddress
from app.sources.frame_selection import Selection
from app.sources.remote_video import WebVideo
from app.teaching.profile import FaceProfile
from app.teaching.profile_name import PROFILE_SUFFIX
from app.tracking.smoothing import SMOOTHING_S


@dataclass(frozen=True, slots=True)
class CameraInput:
    """A camera or a network stream, which is read as long as it delivers.

    `size_wh` in px and `rate` in frames/s are asked of a camera of this machine; None leaves the
    choice to the camera.
    """

    address: CameraAddress
    size_wh: tuple[int, int] | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class VideoInput:
    """A video file. If `address` is given, the video is fetched from there, and `path` only names
    it."""

    path: Path
    address: WebVideo | None = None


@dataclass(frozen=True, slots=True)
class DemoInput:
    """The clip that comes with the program."""


@dataclass(frozen=True, slots=True)
class PicturesInput:
    """Pictures, or folders of pictures."""

    paths: tuple[Path, ...]


Input = CameraInput | VideoInput | DemoInput | PicturesInput


@dataclass(frozen=True, slots=True)
class OutputPaths:
    """The final names of one run's results; None and () where a result is not asked for.

    `pictures` is the folder, or the file, of annotated pictures.
    """

    video: Path | None = None
    records: Path | None = None
    episodes: tuple[Path, ...] = ()
    report: Path | None = None
    pictures: Path | None = None

    @property
    def notes(self) -> Path | None:
        """The file that describes how the records came about, beside them."""
        return None if self.records is None else name_notes(self.records)

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that the run leaves; annotated pictures are not among them."""
        paths = (self.video, self.records, self.notes, *self.episodes, self.report)
        return tuple(path for path in paths if path is not None)

    @property
    def first(self) -> Path:
        """The file beside which hidden files of the run lie: the records, if there are any."""
        return self.records or self.all[0]

    @property
    def needs_quality(self) -> bool:
        """True if results are asked for that hold the quality of each face."""
        return self.records is not None or self.report is not None

    @property
    def are_analyses(self) -> bool:
        """True if something else than annotated pictures or an annotated video is asked for."""
        return bool(self.records or self.episodes or self.report)


@dataclass(frozen=True, slots=True)
class LiveOutputs:
    """The outputs that other programs get while a run goes on; None and False where none is asked.

    `events` is a file or a named pipe for lines of JSON. Either events or records may go to the
    standard output. `osc_prefix` is a template of addresses; with `osc_immediately`, no bundle has
    the time of its capture. `lsl` is the name that streams begin with. `virtual_camera` is a
    device, "" for the first one.
    """

    events: Path | None = None
    events_to_stdout: bool = False
    records_to_stdout: bool = False
    osc: OscTarget | None = None
    osc_prefix: str = "/{address}"
    osc_immediately: bool = False
    lsl: str | None = None
    virtual_camera: str | None = None

    @property
    def use_stdout(self) -> bool:
        """True if the standard output belongs to lines that a program reads."""
        return self.events_to_stdout or self.records_to_stdout

    @property
    def are_asked(self) -> bool:
        """True if any of them is asked for."""
        return self.use_stdout or self.are_besides_stdout

    @property
    def are_besides_stdout(self) -> bool:
        """True if any is asked for that does not go to the standard output."""
        named = self.events, self.osc, self.lsl, self.virtual_camera
        return any(one is not None for one in named)


@dataclass(frozen=True, slots=True)
class RecognitionSettings:
    """The settings of the networks and of smoothing; docs/doubt.md explains `prior_correction`.

    `exact` reads every face of every frame of a file anew; else faces that neither move nor change
    are interpolated between frames that are looked at (docs/speed.md). `actions` reads facial
    actions, too (docs/actions.md). `profile` corrects the readings of one person in streams
    (docs/teach.md).
    """

    model: Path = DEFAULT_MODEL
    device: Device = "auto"
    prior_correction: float | None = None  # None: as the model's file says
    max_faces: int | None = None  # only the largest ones are read; None: all
    far_faces: bool = False
    smoothing_s: float = SMOOTHING_S
    exact: bool = False
    actions: bool = False
    profile: FaceProfile | None = None


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """The settings with which drawing begins; keys in the window change them.

    `folder` takes recordings and snapshots. `if_lost` says what is done, while faces are blurred,
    with frames whose faces cannot be accounted for. `all_faces` is False where some faces are left
    unread, which blurring could not cover.
    """

    mirror: bool = False
    hud: HudMode = "full"
    blur: bool = False
    folder: Path = Path()
    if_lost: IfLost = "whole"
    all_faces: bool = True


PLAIN_VIEW = ViewSettings()
WHOLE_VIDEO = Selection()
NO_LIVE_OUTPUTS = LiveOutputs()
USUAL_RECOGNITION = RecognitionSettings()


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One source, and everything that is to be done with it.

    `settings`, as JSON has them, and `command` are for the notes beside the records. `overwrite`
    replaces files that exist; `resume` goes on from a checkpoint. `is_served`: a page shows the
    run. `is_realtime` reads a video as if it were a camera. `with_stills` stores faces in the
    report. `keeps_partial_results`: a run that is stopped also completes its results up to there.
    `encoding` None: the annotated video is encoded as is usual. `teach` is the name of the profile
    that a lesson makes in the window, None for no lesson.
    """

    source: Input
    outputs: OutputPaths
    selection: Selection = WHOLE_VIDEO
    recognition: RecognitionSettings = USUAL_RECOGNITION
    view: ViewSettings = PLAIN_VIEW
    settings: Mapping[str, object] = field(default_factory=dict)
    command: Sequence[str] = ()
    overwrite: bool = False
    resume: bool = False
    in_window: bool = False
    is_served: bool = False
    is_realtime: bool = False
    with_stills: bool = True
    keeps_partial_results: bool = False
    encoding: Encoding | None = None
    live_outputs: LiveOutputs = NO_LIVE_OUTPUTS
    teach: str | None = None

    @property
    def profile_file(self) -> Path | None:
        """The profile that a lesson makes; None for no lesson."""
        return None if self.teach is None else self.view.folder / f"{self.teach}{PROFILE_SUFFIX}"

    @property
    def video(self) -> VideoInput:
        """The video that is read. Raises `TypeError` for a plan that reads something else."""
        if not isinstance(self.source, VideoInput):
            raise TypeError(f"a video is read from a file or an address, got {self.source}")
        return self.source

    @property
    def name(self) -> str:
        """The name of the video that is read, for lines and bars."""
        return self.video.path.name

    @property
    def is_resumable(self) -> bool:
        """True if the run leaves a checkpoint from which another run goes on."""
        is_here = (
            self.in_window or self.is_served or self.is_realtime or self.live_outputs.are_asked
        )
        return isinstance(self.source, VideoInput) and not is_here

    @property
    def is_alone_on_stdout(self) -> bool:
        """True if nobody but the reader of the standard output gets anything of the run."""
        is_seen = self.in_window or self.is_served or self.draws_pictures
        return not (is_seen or self.outputs.all or self.live_outputs.are_besides_stdout)

    @property
    def needs_quality(self) -> bool:
        """True if somebody gets the quality of each face, which the pipeline measures best."""
        live = self.live_outputs
        return self.outputs.needs_quality or live.use_stdout or live.events is not None

    @property
    def needs_canvases(self) -> bool:
        """True if somebody looks at what is drawn of each frame."""
        shows = self.in_window or self.live_outputs.virtual_camera is not None
        return shows or self.draws_pictures or self.outputs.video is not None

    @property
    def draws_pictures(self) -> bool:
        """True if pictures are annotated, which is also what is done where nothing is asked for."""
        if not isinstance(self.source, PicturesInput):
            return False
        return self.outputs.pictures is not None or not (
            self.in_window or self.outputs.are_analyses or self.live_outputs.are_asked
        )

    @property
    def input_files(self) -> tuple[Path, ...]:
        """The files and folders of this machine that are read, which no output may replace."""
        match self.source:
            case VideoInput(path=path, address=None):
                return (path,)
            case PicturesInput(paths=paths):
                return paths
        return ()


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Several videos, each with a plan of its own, read by `workers` processes at once.

    `folders` are made if they are missing. `recognition` is the same for all runs. `shares_folders`
    is True where other processes write into the folders at the same time, so that even empty ones
    stay.
    """

    runs: tuple[RunPlan, ...]
    folders: tuple[Path, ...]
    workers: int = 1
    shares_folders: bool = False
