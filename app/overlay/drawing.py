"""Draws the results of a frame onto a copy of its picture.

All texts grow with the picture and stand on a dark ground. Nothing is shown by colour alone.
`app.placement` finds the places of labels and panels.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from app.overlay.history import History
from app.overlay.labels import draw_label
from app.overlay.map_paint import paint_map
from app.overlay.memory import LISTED_FORM, OverlayMemory
from app.overlay.palette import choose_face_colour
from app.overlay.panels import draw_panel
from app.overlay.scene import HUD_MODES, DrawnFace, HudMode, describe_scene
from app.overlay.text import BLACK, Colour
from app.placement.rects import Rect, find_shortest_line
from app.placement.values import FacePlaces
from app.types import FrameResult, Image

BOX_SHARE = 1 / 8  # of the labels' size: how thick a box's line is
LINE_SHARE = 1 / 10  # of the labels' size: how thick the line from a panel to its face is


def draw_result(
    result: FrameResult,
    mode: HudMode = "full",
    *,
    mirror: bool = False,
    history: History | None = None,
    memory: OverlayMemory | None = None,
    reserved: Sequence[Rect] = (),
) -> Image:
    """Draws a frame and its results on a new canvas.

    Args:
        result: The frame and its faces. Maps of faces are painted in any mode.
        mode: "full" (boxes, labels, and panels with bars), "boxes" (with labels) or "off".
        mirror: Whether the picture is mirrored. Texts are not.
        history: The last seconds of each person, for the strips of panels; None: no strips.
        memory: Keeps texts steady from frame to frame of one stream. Without a memory, the same
            result always gives the same canvas.
        reserved: Parts of the canvas, px, that are left free for something else.

    Returns:
        A canvas uint8 `(H, W, 3)` BGR of the frame's size.

    Raises:
        ValueError: For another mode, and for a picture without pixels.

    >>> from app.types import Frame
    >>> picture = np.full((48, 64, 3), 90, np.uint8)
    >>> frame = Frame(picture, 0, 0.0, "grey")
    >>> canvas = draw_result(FrameResult(frame, faces=(), labels=("neutral",)))
    >>> canvas.shape, bool((canvas == picture).all()), canvas is picture
    ((48, 64, 3), True, False)
    """
    if mode not in HUD_MODES:
        raise ValueError(f"mode must be one of {', '.join(HUD_MODES)}, got {mode!r}")
    if not result.picture.size:
        raise ValueError(f"a picture must have pixels, got shape {result.picture.shape}")
    canvas = _make_canvas(result, mirror)
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
    for one, target, colour in zip(faces, scene.faces, colours, strict=True):
        _draw_line(canvas, plan[one.key], target.box, colour, size)
    for one, colour in zip(faces, colours, strict=True):
        _draw_box(canvas, one.box, colour, size)
    for one, target, colour in zip(faces, scene.faces, colours, strict=True):
        places = plan[one.key]
        if places.panel is not None:
            _draw_panel(canvas, one, places, target.box, colour, result.labels, history, memory)
    for one, colour in zip(faces, colours, strict=True):
        spot = plan[one.key].label
        if spot is not None:
            draw_label(canvas, spot.rect, one.labels[spot.form], colour)
    if listed := memory.place_list([one.labels for one in faces], scene, plan):
        for number, rect in listed.lines:
            draw_label(canvas, rect, faces[number].labels[LISTED_FORM], colours[number])
    return canvas


def _make_canvas(result: FrameResult, mirror: bool) -> Image:
    """Returns a new picture of the frame with the maps of its faces. Flipping copies, so without
    maps the picture is copied once."""
    maps = [face.map for face in result.faces if face.map is not None]
    if not maps:
        picture = result.picture
        return np.asarray(cv2.flip(picture, 1), np.uint8) if mirror else picture.copy()
    canvas: Image = result.picture.copy()
    for shown in maps:
        paint_map(canvas, shown)
    return np.asarray(cv2.flip(canvas, 1), np.uint8) if mirror else canvas


def _draw_box(canvas: Image, box: Rect, colour: Colour, size: int) -> None:
    thickness = max(2, round(BOX_SHARE * size))
    height, width = canvas.shape[:2]
    # Lines this far outside are not seen. OpenCV's coordinates end at 2^31, those of boxes do not.
    out = 2 * thickness + 2
    left, right = (min(max(x, -out), width + out) for x in (box.x, box.right))
    top, bottom = (min(max(y, -out), height + out) for y in (box.y, box.bottom))
    corners = (left, top), (right, bottom)
    cv2.rectangle(canvas, *corners, BLACK, thickness + 2 * max(1, thickness // 2))
    cv2.rectangle(canvas, *corners, colour, thickness)


def _draw_line(canvas: Image, places: FacePlaces, box: Rect, colour: Colour, size: int) -> None:
    """Draws the line from a panel to its face, where they do not touch."""
    if places.panel is None:
        return
    start, end = find_shortest_line(places.panel.rect, box)
    if start != end:
        thickness = max(2, round(LINE_SHARE * size))
        cv2.line(canvas, start, end, BLACK, thickness + 2, cv2.LINE_AA)
        cv2.line(canvas, start, end, colour, thickness, cv2.LINE_AA)


def _draw_panel(
    canvas: Image,
    one: DrawnFace,
    places: FacePlaces,
    box: Rect,
    colour: Colour,
    labels: tuple[str, ...],
    history: History | None,
    memory: OverlayMemory,
) -> None:
    assert places.panel is not None
    rect, panel = places.panel.rect, one.panels[places.panel.form]
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
        else memory.choose_rows(face.face_id, shares, count),
        highlighted=labels.index(face.label) if face.label in labels else int(shares.argmax()),
        number=one.labels[0].number,
        colour=colour,
        edge=_find_edge(rect, box),
        strip=None if history is None else history.get_strip(face.face_id),
    )


def _find_edge(panel: Rect, box: Rect) -> str:
    """Finds the side of a panel that its face is on."""
    if panel.right <= box.x:
        return "right"
    if panel.y >= box.bottom and panel.x < box.right:
        return "top"
    if panel.bottom <= box.y and panel.x < box.right:
        return "bottom"
    return "left"
