"""Cuts out faces for the report: at the height of their episodes, or all faces of a picture."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from app.episodes.episode import Episode
from app.types import Frame, Image

SIDE_PX = 200  # the page shows stills from 120 px on; dense screens show more pixels
MARGIN = 1.5  # side of the still in sides of the box; the rest shows the head around it
JPEG_QUALITY = 85  # a still of the portrait clip takes 5 kB of the page
PICTURE_PX = 900  # longest side of a whole picture
MAX_KEPT = 60  # stills in memory: more than a page shows
MAX_TIME_ERROR_S = 1e-3  # of a frame of the video and its row in the records

Box = tuple[float, float, float, float]  # x, y, width, height in px


@dataclass(frozen=True, slots=True)
class Still:
    """The face of an episode at its apex, as JPEG."""

    episode: Episode
    jpeg: bytes


def cut_still(image: Image, box_xywh: Box) -> Image:
    """Cuts the square around a box out of a picture.

    Args:
        image: The picture, `(H, W, 3)` uint8 BGR.
        box_xywh: The box in pixels of the picture.

    Returns:
        The square with `MARGIN` around the box, `(SIDE_PX, SIDE_PX, 3)` uint8 BGR; black beyond
        the picture.

    >>> white = np.full((100, 100, 3), 255, np.uint8)
    >>> still = cut_still(white, (40.0, 40.0, 20.0, 20.0))
    >>> still.shape, int(still.min())
    ((200, 200, 3), 255)
    """
    x, y, width, height = box_xywh
    half = max(1.0, MARGIN * max(width, height) / 2)
    scale = SIDE_PX / (2 * half)
    left, top = x + width / 2 - half, y + height / 2 - half
    if scale < 1:  # to shrink, average over the area of each new pixel
        rows, columns = image.shape[:2]
        x0, y0 = max(0, round(left)), max(0, round(top))
        x1, y1 = min(columns, round(left + 2 * half)), min(rows, round(top + 2 * half))
        if x1 <= x0 or y1 <= y0:
            return np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        size = (max(1, round(scale * (x1 - x0))), max(1, round(scale * (y1 - y0))))
        part = cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
        still = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        at_x, at_y = max(0, round(scale * (x0 - left))), max(0, round(scale * (y0 - top)))
        part = part[: SIDE_PX - at_y, : SIDE_PX - at_x]
        still[at_y : at_y + part.shape[0], at_x : at_x + part.shape[1]] = part
        return still
    matrix = np.array([[scale, 0.0, -scale * left], [0.0, scale, -scale * top]])
    return np.asarray(cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX)), np.uint8)


def encode_jpeg(still: Image) -> bytes:
    """Encodes a picture `(H, W, 3)` uint8 BGR as JPEG.

    >>> encode_jpeg(np.zeros((8, 8, 3), np.uint8))[:2]
    b'\\xff\\xd8'
    """
    _, content = cv2.imencode(".jpg", still, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return content.tobytes()


@dataclass(frozen=True, slots=True)
class PictureStill:
    """A picture of a run of pictures: its size (width, height) in pixels, a smaller copy as JPEG,
    and its faces by `face_id` as JPEG."""

    size_wh: tuple[int, int]
    jpeg: bytes
    faces: Mapping[int, bytes]


def make_picture_still(image: Image, boxes: Mapping[int, Box]) -> PictureStill:
    """Makes the still of a picture.

    Args:
        image: The picture, `(H, W, 3)` uint8 BGR.
        boxes: The boxes (x, y, width, height) of its faces in pixels, by `face_id`.

    >>> still = make_picture_still(np.zeros((30, 40, 3), np.uint8), {1: (5.0, 5.0, 9.0, 9.0)})
    >>> still.size_wh, list(still.faces)
    ((40, 30), [1])
    """
    height, width = image.shape[:2]
    scale = PICTURE_PX / max(width, height)
    small = image
    if scale < 1:
        size_wh = max(1, round(scale * width)), max(1, round(scale * height))
        small = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    faces = {face_id: encode_jpeg(cut_still(image, box)) for face_id, box in boxes.items()}
    return PictureStill((width, height), encode_jpeg(small), faces)


class StillsInPassing:
    """Collects stills while frames pass.

    The face of each running episode is kept at its highest probability so far. When an episode is
    over, this face becomes a still. Of each face and label, the most probable still is kept.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, str], tuple[int, Image]] = {}
        self._stills: dict[tuple[str, int, str], Still] = {}

    def add_frame(
        self, frame: Frame, peaks: Iterable[tuple[int, str]], boxes: Mapping[int, Box]
    ) -> None:
        """Cuts out the faces whose episodes are at their highest so far in this frame.

        Args:
            frame: The frame.
            peaks: (face_id, label) of these episodes.
            boxes: The boxes (x, y, width, height) of the faces in pixels, by face_id.
        """
        for face_id, label in peaks:
            self._waiting[face_id, label] = (frame.index, cut_still(frame.image, boxes[face_id]))

    def end_episodes(self, over: Iterable[Episode]) -> None:
        """Makes stills of episodes that are over. Callers call it before `add_frame` of the frame
        that ended these episodes."""
        for one in over:
            index, picture = self._waiting.pop((one.face_id, one.label), (None, None))
            key = (one.source, one.face_id, one.label)
            before = self._stills.get(key)
            if (
                picture is not None
                and index == one.apex_frame
                and (before is None or before.episode.peak < one.peak)
            ):
                self._stills[key] = Still(one, encode_jpeg(picture))
        if len(self._stills) > 2 * MAX_KEPT:
            self._stills = {
                (one.episode.source, one.episode.face_id, one.episode.label): one
                for one in choose_surest(self._stills.values())
            }

    def list_stills(self) -> list[Still]:
        """Returns the stills of all ended episodes, the most probable first."""
        return choose_surest(self._stills.values())


def choose_surest(stills: Iterable[Still]) -> list[Still]:
    """Returns the `MAX_KEPT` stills of the highest peaks, the highest first."""
    return sorted(stills, key=lambda one: -one.episode.peak)[:MAX_KEPT]


def collect_stills(frames: Iterable[Frame], wanted: Iterable[tuple[Episode, Box]]) -> list[Still]:
    """Cuts the faces of episodes at their apexes out of a video.

    Args:
        frames: The frames of the video. They are read up to the last apex.
        wanted: Episodes, each with the box of its face at the apex.

    Returns:
        The stills, the most probable first. A frame with another time than in the records belongs
        to another video and gives no still.
    """
    waiting: dict[int, list[tuple[Episode, Box]]] = {}
    for episode, box in wanted:
        waiting.setdefault(episode.apex_frame, []).append((episode, box))
    found: list[Still] = []
    if not waiting:
        return found
    last = max(waiting)
    for frame in frames:
        for episode, box in waiting.get(frame.index, ()):
            if abs(frame.time_s - episode.apex_s) < MAX_TIME_ERROR_S:
                found.append(Still(episode, encode_jpeg(cut_still(frame.image, box))))
        if frame.index >= last:
            break
    return choose_surest(found)
