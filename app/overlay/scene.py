"""Describes the texts of a frame for placement: what each face needs, and what stays free."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from app.overlay.labels import Label, make_labels, to_label_forms
from app.overlay.memory import OverlayMemory
from app.overlay.panels import Panel, make_panels, to_panel_forms
from app.overlay.text import MIN_CRAMPED_TEXT_PX, MIN_TEXT_PX, choose_text_px
from app.placement.rects import Rect
from app.placement.values import Key, Scene, SceneFace
from app.types import Face, FrameResult, TrackedFace

HudMode = Literal["off", "boxes", "full"]
HUD_MODES: tuple[HudMode, ...] = ("off", "boxes", "full")

# Sizes of texts, in shares.
FACE_SHARE = 0.18  # of a face's height: a label's size in a picture of small faces
MIN_USUAL_SHARE = 0.6  # of the usual size for the picture: the smallest size for small faces
SMALL_SHARE = 0.78  # of a label's size: where there is little room
PANEL_SHARE = 0.75  # of a label's size: in panels
SMALL_PANEL_SHARE = 0.6  # of a label's size: in panels where there is little room
MIN_SMALL_PX = MIN_CRAMPED_TEXT_PX + 2

# The inner part of a face, in shares of its box.
USUAL_INNER = (0.14, 0.18, 0.86, 0.9)  # x0, y0, x1, y1, where landmarks make no sense
MIN_INNER_SHARE = 0.3  # of the box's sides; landmarks that give less make no sense
AROUND_EYES_SHARE = 0.16  # of the width, at each side of eyes and mouth
ABOVE_EYES_SHARE = 0.12  # of the height
UNDER_MOUTH_SHARE = 0.13  # of the height


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """One face on the canvas. `box` is its whole box, which may reach outside the canvas. `labels`
    and `panels` are the forms of its label and panel, the fullest first."""

    face: TrackedFace
    key: Key
    box: Rect
    labels: tuple[Label, ...]
    panels: tuple[Panel, ...]


def describe_scene(
    result: FrameResult,
    *,
    mode: HudMode,
    mirror: bool,
    with_strips: bool,
    memory: OverlayMemory,
    reserved: Sequence[Rect] = (),
) -> tuple[Scene, tuple[DrawnFace, ...], int]:
    """Describes a frame for placement.

    Args:
        result: The frame and its faces.
        mode: "full" (labels and panels) or "boxes" (labels alone).
        mirror: Whether the canvas is the mirrored picture.
        with_strips: Whether panels may have a strip of the last seconds.
        memory: The state of the stream.
        reserved: Parts of the canvas, px, on which something else is drawn.

    Returns:
        The scene, its faces in the same order, and the size of labels in px.
    """
    width, height = result.frame.size_wh
    mirror_width = width if mirror else None
    boxes = [locate_box(one.face, mirror_width) for one in result.faces]
    size = memory.hold_size(_choose_label_px(boxes, choose_text_px(width, height)))
    numbered = memory.is_numbered(len(boxes))
    longest = max((f"#{one.face_id}" for one in result.faces if numbered), key=len, default="")
    small = max(MIN_SMALL_PX, round(SMALL_SHARE * size))
    panel_px = max(MIN_TEXT_PX, round(PANEL_SHARE * size))
    panel_sizes = panel_px, max(MIN_SMALL_PX, round(SMALL_PANEL_SHARE * size))
    panels: tuple[Panel, ...] = ()
    if mode == "full":
        panels = make_panels(result.labels, panel_sizes, number=longest, with_strip=with_strips)
    panel_shapes = to_panel_forms(panels)
    counts: Counter[int] = Counter()
    drawn: list[DrawnFace] = []
    scene_faces: list[SceneFace] = []
    for one, box in zip(result.faces, boxes, strict=True):
        labels = make_labels(
            one, result.labels, sizes=(size, small), numbered=numbered, room_px=width
        )
        key = one.face_id, counts[one.face_id]
        counts[one.face_id] += 1
        inner = locate_inner(one.face, box, mirror_width).cut_to(width, height)
        scene_faces.append(
            SceneFace(key, box.cut_to(width, height), inner, to_label_forms(labels), panel_shapes)
        )
        drawn.append(DrawnFace(one, key, box, labels, panels))
    unread = (locate_box(face, mirror_width).cut_to(width, height) for face in result.unread)
    gap = max(3, round(size / 5))
    scene = Scene((width, height), tuple(scene_faces), (*unread, *reserved), gap)
    return scene, tuple(drawn), size


def _choose_label_px(boxes: Sequence[Rect], usual_px: int) -> int:
    """Chooses the size of labels: smaller than usual where faces are small."""
    if not boxes:
        return usual_px
    fitting = FACE_SHARE * median(box.height for box in boxes)
    smallest = max(MIN_TEXT_PX, round(MIN_USUAL_SHARE * usual_px))
    return int(min(usual_px, max(smallest, round(fitting))))


def locate_box(face: Face, mirror_width: int | None) -> Rect:
    """Rounds a face's box to whole pixels. The box may reach outside the canvas.

    Args:
        face: The face, in the picture's coordinates.
        mirror_width: The width of a mirrored canvas, px; None: the canvas is not mirrored.

    >>> import numpy as np
    >>> face = Face((10.2, 20.0, 50.4, 70.0), np.zeros((6, 2), np.float32), 0.9)
    >>> locate_box(face, None), locate_box(face, 100)
    (Rect(x=10, y=20, width=40, height=50), Rect(x=50, y=20, width=40, height=50))
    """
    x0, y0, x1, y1 = face.box_xyxy
    if mirror_width is not None:
        x0, x1 = mirror_width - x1, mirror_width - x0
    left, top = round(x0), round(y0)
    return Rect(left, top, max(1, round(x1) - left), max(1, round(y1) - top))


def locate_inner(face: Face, box: Rect, mirror_width: int | None) -> Rect:
    """Locates the part of a face from the eyes to the mouth, which nothing may cover.

    Args:
        face: The face, in the picture's coordinates.
        box: Its box on the canvas, as `locate_box` gives it.
        mirror_width: The width of a mirrored canvas, px; None: the canvas is not mirrored.
    """
    x, y = face.landmarks[:4].astype(float).T  # eyes, nose and mouth
    if mirror_width is not None:
        x = mirror_width - x
    aside, high = AROUND_EYES_SHARE * box.width, box.height
    x0, x1 = max(box.x, x.min() - aside), min(box.right, x.max() + aside)
    y0 = max(box.y, y.min() - ABOVE_EYES_SHARE * high)
    y1 = min(box.bottom, y.max() + UNDER_MOUTH_SHARE * high)
    if not (x1 - x0 > MIN_INNER_SHARE * box.width and y1 - y0 > MIN_INNER_SHARE * box.height):
        left, top, right, bottom = USUAL_INNER
        x0, x1 = box.x + left * box.width, box.x + right * box.width
        y0, y1 = box.y + top * box.height, box.y + bottom * box.height
    return Rect(int(x0), int(y0), max(1, int(x1 - x0)), max(1, int(y1 - y0)))
