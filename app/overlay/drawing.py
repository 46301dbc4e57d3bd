"""Draws what the recogniser says of a frame onto a copy of it.

Everything scales with the picture, stands on its own dark ground, and is said in words as well as
in colour. Where things go is found by `app.placement.solver`.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from app.overlay.history import History
from app.overlay.labels import draw_label
from app.overlay.map_paint import paint_map
from app.overlay.palette import choose_face_colour
from app.overlay.panels import draw_panel
from app.overlay.scene import (
    HUD_MODES,
    LISTED_FORM,
    DrawnFace,
    HudMode,
    OverlayMemory,
    describe_scene,
)
from app.overlay.text import BLACK, Colour
from app.placement.rects import Rect, find_shortest_line
from app.placement.values import FacePlaces
from app.types import FrameResult, Image


def draw_result(
    result: FrameResult,
    mode: HudMode = "full",
    *,
    mirror: bool = False,
    history: History | None = None,
    memory: OverlayMemory | None = None,
    reserved: Sequence[Rect] = (),
) -> Image:
    """Draws a frame and what was read in it on a new canvas.

    Args:
        result: A frame's reading. Maps that its faces carry are painted in any mode.
        mode: "full" (boxes, labels, and panels with bars), "boxes" (with labels) or "off".
        mirror: Whether the picture is mirrored; texts are not.
        history: What was said before, for the strips of the last seconds.
        memory: Keeps texts steady from frame to frame of one stream. Without it, a picture is drawn
            for itself: the same values give the same canvas.
        reserved: Parts of the canvas that are left free for something else.

    Returns:
        A canvas uint8 (H, W, 3) BGR of the frame's size.

    Raises:
        ValueError: For another mode, and for a picture without pixels.
    """
    if mode not in HUD_MODES:
        raise ValueError(f"mode must be one of {', '.join(HUD_MODES)}, got {mode!r}")
    if not result.picture.size:
        raise ValueError(f"a picture must have pixels, got shape {result.picture.shape}")
    canvas = _ground(result, mirror)
    if mode == "off":
        return canvas
    memory = memory or OverlayMemory()
    memory.begin(mode, mirror, result.frame.time_s)
    scene, faces, size = describe_scene(
        result,
        mode=mode,
        mirror=mirror,
        with_strips=history is not None,
        memory=memory,
        reserved=reserved,
    )
    plan = memory.places.place(scene, result.frame.time_s)
    colours = [choose_face_colour(one.face, result.labels) for one in faces]
    for one, subject, colour in zip(faces, scene.faces, colours, strict=True):
        _draw_line(canvas, plan[one.key], subject.box, colour, size)
    for one, colour in zip(faces, colours, strict=True):
        _draw_box(canvas, one.box, colour, size)
    for one, subject, colour in zip(faces, scene.faces, colours, strict=True):
        placed = plan[one.key]
        if placed.panel is not None:
            _draw_panel(canvas, one, placed, subject.box, colour, result.labels, history, memory)
    for one, colour in zip(faces, colours, strict=True):
        spot = plan[one.key].label
        if spot is not None:
            draw_label(canvas, spot.rect, one.labels[spot.form], colour)
    if listed := memory.list_of(faces, scene, plan):
        for number, rect in listed.lines:
            draw_label(canvas, rect, faces[number].labels[LISTED_FORM], colours[number])
    return canvas


def _ground(result: FrameResult, mirror: bool) -> Image:
    """Returns a new picture of the frame with the maps of its faces, copied once where that is
    enough."""
    maps = [face.map for face in result.faces if face.map is not None]
    if not maps:
        picture = result.picture
        return np.asarray(cv2.flip(picture, 1), np.uint8) if mirror else picture.copy()
    canvas: Image = result.picture.copy()
    for shown in maps:
        paint_map(canvas, shown)
    return np.asarray(cv2.flip(canvas, 1), np.uint8) if mirror else canvas


def _draw_box(canvas: Image, box: Rect, colour: Colour, size: int) -> None:
    thickness = max(2, round(size / 8))
    height, width = canvas.shape[:2]
    out = (
        2 * thickness + 2
    )  # so far outside nothing is seen of a line; OpenCV's numbers end at 2^31
    left, right = (min(max(x, -out), width + out) for x in (box.x, box.right))
    top, bottom = (min(max(y, -out), height + out) for y in (box.y, box.bottom))
    corners = (left, top), (right, bottom)
    cv2.rectangle(canvas, *corners, BLACK, thickness + 2 * max(1, thickness // 2))
    cv2.rectangle(canvas, *corners, colour, thickness)


def _draw_line(canvas: Image, placed: FacePlaces, box: Rect, colour: Colour, size: int) -> None:
    """Ties a panel to its face."""
    if placed.panel is None:
        return
    start, end = find_shortest_line(placed.panel.rect, box)
    if start != end:
        thickness = max(2, round(size / 10))
        cv2.line(canvas, start, end, BLACK, thickness + 2, cv2.LINE_AA)
        cv2.line(canvas, start, end, colour, thickness, cv2.LINE_AA)


def _draw_panel(
    canvas: Image,
    one: DrawnFace,
    placed: FacePlaces,
    box: Rect,
    colour: Colour,
    labels: tuple[str, ...],
    history: History | None,
    memory: OverlayMemory,
) -> None:
    assert placed.panel is not None
    rect, panel = placed.panel.rect, one.panels[placed.panel.form]
    face, shares = one.face, one.face.probabilities
    count = panel.rows * panel.columns
    draw_panel(
        canvas,
        rect,
        panel,
        labels=labels,
        probabilities=shares,
        rows=tuple(range(count))
        if count == len(labels)
        else memory.rows(face.face_id, shares, count),
        said=labels.index(face.label) if face.label in labels else int(shares.argmax()),
        number=one.labels[0].number,
        colour=colour,
        edge=_edge(rect, box),
        strip=None if history is None else history.strip(face.face_id),
    )


def _edge(panel: Rect, box: Rect) -> str:
    """Returns the side of a panel that its face is on."""
    if panel.right <= box.x:
        return "right"
    if panel.y >= box.bottom and panel.x < box.right:
        return "top"
    if panel.bottom <= box.y and panel.x < box.right:
        return "bottom"
    return "left"
