"""The sink that writes the annotated video: at the source's own times and with its audio, in H.264
that browsers play unless another codec is asked for."""

from collections.abc import Callable
from pathlib import Path

import av

from app.errors import SinkError
from app.files.atomic import make_write_error, open_partial
from app.files.suffixes import read_suffix
from app.frames.yuv_colour import ColourTags
from app.frames.yuv_picture import YuvPicture
from app.outputs.encoder_choice import choose_encoding
from app.outputs.encoders import Encoding
from app.outputs.film import Film, FilmedSource
from app.outputs.film_pictures import find_shown_yuv
from app.overlay.drawing import Drawing
from app.types import FrameResult, Image, Json

# FFmpeg's name of the container for each suffix.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}


def check_video_format(path: Path) -> str:
    """Returns FFmpeg's name of the container of a file. Raises `SinkError` for a suffix that is not
    written.

    >>> check_video_format(Path("out.mkv"))
    'matroska'
    """
    known = ", ".join(FORMATS)
    return FORMATS[
        read_suffix(path, FORMATS, f"is not a video that can be written. Use one of {known}.")
    ]


class VideoSink:
    """Writes each canvas as one frame at its frame's own time.

    When a run ends early, the audio ends with the pictures. Where the source is read from a later
    time on, the video begins there.

    Args:
        path: The file to write.
        overwrite: Whether an existing file is replaced.
        size_wh: The size of the video, px; None: that of the first canvas. Canvases of another size
            are fitted into it undistorted.
        source_video: The video that is annotated, for times and audio. None: a camera, which has no
            audio and whose frames come at any time.
        threads: The most threads that the encoder may take; None: as many as there are cores.
        encoding: The encoder and quality; None: the usual ones of the container.
        draw: Draws each result, in place of the canvases, which are not looked at then. The
            pictures of a video keep their own planes where nothing is drawn on them: with canvases
            all of each picture goes to BGR and back.

    Attributes:
        path: The file to write.
        encoder: The encoder that writes, described for records; None before the first frame.

    Raises:
        SinkError: The file cannot be written.
    """

    dropped = 0  # frames; `app.outputs.background` drops some

    def __init__(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        size_wh: tuple[int, int] | None = None,
        source_video: FilmedSource | None = None,
        threads: int | None = None,
        encoding: Encoding | None = None,
        draw: Callable[[FrameResult], Drawing] | None = None,
    ) -> None:
        path = Path(path)
        self._format = check_video_format(path)
        self._encoding = encoding or choose_encoding(None, None, self._format)
        self.encoder: Json | None = None
        self.path = path
        self._size_wh = size_wh
        self._source = source_video
        self._threads = threads
        self._draw = draw
        inputs = () if source_video is None else (source_video.path,)
        self._partial = open_partial(path, overwrite=overwrite, inputs=inputs)
        self._film: Film | None = None
        self._done = False

    @property
    def warning(self) -> str | None:
        """The missing part of the audio, in one line; None where nothing is missing."""
        trouble = None if self._film is None else self._film.audio_trouble
        return trouble and f"In {self.path}, {trouble}."

    def write(self, result: FrameResult, canvas: Image) -> None:
        """Writes a canvas, uint8 `(H, W, 3)` BGR, or what is drawn of the result, as one frame."""
        if self._done:
            raise SinkError(f"{self.path} is closed already.")
        drawing = None if self._draw is None else self._draw(result)
        try:
            if drawing is not None:
                if self._film is None:
                    size_wh = self._size_wh or result.frame.size_wh
                    self._film = self._begin(size_wh, find_shown_yuv(result))
                self._film.add_drawing(drawing)
                return
            if self._film is None:
                self._film = self._begin(self._size_wh or (canvas.shape[1], canvas.shape[0]))
            self._film.add(canvas, result.frame.time_s)
        except (av.FFmpegError, OSError, ValueError) as error:
            self.abort()
            raise make_write_error(self.path, error) from error

    def _begin(self, size_wh: tuple[int, int], yuv: YuvPicture | None = None) -> Film:
        """Opens the file with the encoder, or else with its fallback: an encoder that has worked in
        a trial may still refuse a size. `yuv` is the first picture in its planes, whose colours the
        file then has."""
        encoding, colour = self._encoding, None if yuv is None else yuv.colour
        try:
            film = self._open_film(size_wh, colour, encoding)
        except (av.FFmpegError, OSError, ValueError):
            fallback = encoding.make_fallback()
            if fallback is None:
                raise
            encoding = fallback
            film = self._open_film(size_wh, colour, encoding)
        self.encoder = encoding.describe()
        return film

    def _open_film(
        self, size_wh: tuple[int, int], colour: ColourTags | None, encoding: Encoding
    ) -> Film:
        return Film(
            self._partial.path, self._format, size_wh, colour, self._source, self._threads, encoding
        )

    def close(self) -> None:
        """Completes the file and gives it its final name."""
        if self._done:
            return
        if self._film is None:
            self.abort()
            raise SinkError(f"{self.path} got no frame, so it was not written.")
        try:
            self._film.complete()
            self._done = True
            self._partial.settle()
        except (av.FFmpegError, OSError, ValueError) as error:
            self._done = False
            self.abort()
            raise make_write_error(self.path, error) from error

    def abort(self) -> None:
        """Leaves nothing behind; does nothing after `close`."""
        if self._done:
            return
        self._done = True
        if self._film is not None:
            self._film.abandon()
        self._partial.discard()
