"""Faces at the height of their episodes, cut out while frames pass by or later from the video; and
pictures that stand for themselves, with their faces."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from app.episodes.episode import Episode
from app.types import Frame, Image

SIDE_PX = 200
MARGIN = 1.5  # side of the still in sides of the box
JPEG_QUALITY = 85
PICTURE_PX = 900  # longest side of a whole picture
KEPT = 60  # no page shows more; the surest stay

Box = tuple[float, float, float, float]  # x, y, width, height in px


@dataclass(frozen=True, slots=True)
class Still:
    episode: Episode
    jpeg: bytes


def cut_still(image: Image, box_xywh: Box) -> Image:
    """The square about a box, `SIDE_PX` a side, as far as it lies in the picture (black beyond)."""
    x, y, width, height = box_xywh
    half = max(1.0, MARGIN * max(width, height) / 2)
    scale = SIDE_PX / (2 * half)
    left, top = x + width / 2 - half, y + height / 2 - half
    if scale < 1:  # shrinking: averaged over what a pixel covers
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
    _, content = cv2.imencode(".jpg", still, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return content.tobytes()


@dataclass(frozen=True, slots=True)
class PictureStill:
    """A picture that stands for itself, for a page: its size px, a smaller copy of it, and its
    faces by their number, all as JPEG."""

    size_wh: tuple[int, int]
    jpeg: bytes
    faces: Mapping[int, bytes]


def make_picture_still(image: Image, boxes: Mapping[int, Box]) -> PictureStill:
    """Make the still of `image` uint8 (H, W, 3) BGR, with faces at `boxes` by face_id."""
    height, width = image.shape[:2]
    scale = PICTURE_PX / max(width, height)
    small = image
    if scale < 1:
        size_wh = max(1, round(scale * width)), max(1, round(scale * height))
        small = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    faces = {face_id: encode_jpeg(cut_still(image, box)) for face_id, box in boxes.items()}
    return PictureStill((width, height), encode_jpeg(small), faces)


class StillsInPassing:
    """Keeps the picture of every running episode's highest point so far; that of an episode that is
    over becomes a still. Only the surest one of each face and label stays."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, str], tuple[int, Image]] = {}
        self._stills: dict[tuple[str, int, str], Still] = {}

    def look(
        self, frame: Frame, peaks: Iterable[tuple[int, str]], boxes: Mapping[int, Box]
    ) -> None:
        """`peaks`: (face_id, label) at their highest in this frame; `boxes` by face_id."""
        for face_id, label in peaks:
            self._waiting[face_id, label] = (frame.index, cut_still(frame.image, boxes[face_id]))

    def take(self, over: Iterable[Episode]) -> None:
        """Episodes that are over. To be called before `look` at the frame that ended them."""
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
        if len(self._stills) > 2 * KEPT:
            self._stills = {
                (one.episode.source, one.episode.face_id, one.episode.label): one
                for one in choose_surest(self._stills.values())
            }

    def stills(self) -> list[Still]:
        return choose_surest(self._stills.values())


def choose_surest(stills: Iterable[Still]) -> list[Still]:
    return sorted(stills, key=lambda one: -one.episode.peak)[:KEPT]


def collect_stills(frames: Iterable[Frame], wanted: Iterable[tuple[Episode, Box]]) -> list[Still]:
    """Those of a video's frames that episodes had their height in. A frame whose time is not that
    of the records is of another video and gives none; what is left of `frames` is not read."""
    waiting: dict[int, list[tuple[Episode, Box]]] = {}
    for episode, box in wanted:
        waiting.setdefault(episode.apex_frame, []).append((episode, box))
    found: list[Still] = []
    if not waiting:
        return found
    last = max(waiting)
    for frame in frames:
        for episode, box in waiting.get(frame.index, ()):
            if abs(frame.time_s - episode.apex_s) < 1e-3:
                found.append(Still(episode, encode_jpeg(cut_still(frame.image, box))))
        if frame.index >= last:
            break
    return choose_surest(found)
