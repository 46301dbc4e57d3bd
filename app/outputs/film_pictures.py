"""Makes the pictures that an encoder takes: of canvases, or of a decoder's planes and a drawing."""

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from app.frames.planar_frame import PlanarFrame
from app.frames.to_bgr import letterbox
from app.frames.yuv_colour import ColourTags, to_yuv
from app.frames.yuv_patches import PatchConverter
from app.frames.yuv_picture import PIX_FMT, YuvPicture
from app.overlay.drawing import Drawing
from app.types import FrameResult, Image


def find_shown_yuv(result: FrameResult) -> YuvPicture | None:
    """Returns the planes of the picture that is shown of a result; None where it has none, or
    where another picture is shown because faces are blurred."""
    frame = result.frame
    return frame.yuv if isinstance(frame, PlanarFrame) and result.blurred is None else None


class FilmPictures:
    """Makes pictures of one size and one kind of colours. Belongs to one thread.

    Args:
        size_wh: Width and height of the film in px, which may be odd.
        colour: The colours of the film.
        pix_fmt: libav's name of the encoder's layout, a 4:2:0 one.
    """

    def __init__(self, size_wh: tuple[int, int], colour: ColourTags, pix_fmt: str) -> None:
        self._size_wh, self._colour, self._pix_fmt = size_wh, colour, pix_fmt
        self._reformatter = VideoReformatter()
        self._patches = PatchConverter(size_wh, colour)
        self._canvas = np.empty((0, 0, 3), np.uint8)

    def convert(self, canvas: Image) -> VideoFrame:
        """Fits a canvas, uint8 (H, W, 3) BGR, into the film and converts its colours. Odd sides are
        made even by repeating the last column and row, because 4:2:0 needs even sides."""
        width, height = self._size_wh
        canvas = letterbox(canvas, self._size_wh)
        if width % 2 or height % 2:
            canvas = np.pad(canvas, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        return to_yuv(canvas, self._colour, self._reformatter, self._pix_fmt)

    def compose(self, drawing: Drawing) -> VideoFrame:
        """Draws a result. Where its picture has planes like those of the film, they are taken on,
        upright and of limited range, and only the parts that are drawn on are converted."""
        yuv, touched = find_shown_yuv(drawing.result), drawing.touched
        fits = (
            yuv is not None
            and yuv.size_wh == self._size_wh
            and yuv.colour == self._colour
            and self._pix_fmt == PIX_FMT
        )
        if not fits or yuv is None or touched is None:
            return self.convert(drawing.make_canvas())
        width, height = self._size_wh
        if self._canvas.shape[:2] != (height, width):
            self._canvas = np.empty((height, width, 3), np.uint8)
        layout = self._patches.lay_out(touched)
        frame = drawing.result.frame
        if isinstance(frame, PlanarFrame) and frame.has_image:
            self._patches.cut(frame.image, layout, self._canvas)
        else:
            self._patches.read(yuv, layout, self._canvas)
        drawing.paint(self._canvas)
        picture = yuv.copy_for_encoder()
        self._patches.write(self._canvas, layout, picture)
        return picture
