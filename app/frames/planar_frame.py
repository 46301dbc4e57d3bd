"""A frame whose picture stays in its decoder's planes until somebody asks for BGR."""

from app.frames.yuv_picture import YuvPicture
from app.types import Frame, Image


class PlanarFrame(Frame):
    """A frame of a video that keeps its picture in planes.

    `image` is converted when it is asked for the first time, by any thread, and kept. A frame that
    is made of this one by `dataclasses.replace`, or is pickled, has the image and no planes.

    Attributes:
        yuv: The picture in planes; None where the frame has another image.
    """

    __slots__ = ("_image", "yuv")
    _image: Image | None
    yuv: YuvPicture | None

    def __init__(
        self,
        image: Image | None,
        index: int,
        time_s: float,
        source: str,
        captured_s: float | None = None,
        damaged: bool = False,
        *,
        yuv: YuvPicture | None = None,
    ) -> None:
        if (image is None) == (yuv is None):
            raise ValueError("a frame is made of an image or of planes, not of both")
        object.__setattr__(self, "yuv", yuv)
        # The dataclass writes `image` through the property's setter.
        super().__init__(image, index, time_s, source, captured_s, damaged)  # type: ignore[arg-type]

    @property
    def image(self) -> Image:
        """The picture, uint8 (H, W, 3) BGR."""
        if self._image is None:
            assert self.yuv is not None
            object.__setattr__(self, "_image", self.yuv.make_bgr())
            assert self._image is not None
        return self._image

    @image.setter
    def image(self, image: Image | None) -> None:
        object.__setattr__(self, "_image", image)

    @property
    def has_image(self) -> bool:
        """True if `image` has been converted already."""
        return self._image is not None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the picture in px."""
        return super().size_wh if self.yuv is None else self.yuv.size_wh

    @property
    def rough_grey(self) -> Image:
        """The luma (H, W), a view of its plane."""
        return super().rough_grey if self.yuv is None else self.yuv.luma

    def __reduce__(self) -> tuple[type[Frame], tuple[object, ...]]:
        return Frame, (
            self.image,
            self.index,
            self.time_s,
            self.source,
            self.captured_s,
            self.damaged,
        )
