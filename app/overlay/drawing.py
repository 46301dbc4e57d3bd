"""Draws the results of a frame onto a copy of its picture.

All texts grow with the picture and stand on a dark ground. Nothing is shown by colour alone.
`app.placement` finds the places of labels and panels.
"""

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np

from app.overlay.head_axes import plan_head_axes
from app.overlay.history import History
from app.overlay.labels import Label, draw_label
from app.overlay.map_paint import paint_map
from app.overlay.memory import LISTED_FORM, OverlayMemory
from app.overlay.palette import choose_face_colour
from app.overlay.panels import draw_panel
from app.overlay.scene import HUD_MODES, DrawnFace, HudMode, describe_scene
from app.overlay.text import BLACK, Colour, measure_overhang_px
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
        result: The frame and its faces. Maps of faces are painted in any mode. Faces whose facial
            actions were read have the axes of their heads, but for "off".
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
    return plan_drawing(
        result, mode, mirror=mirror, history=history, memory=memory, reserved=reserved
    ).make_canvas()


class Drawing:
    """All that is drawn on the picture of one result, ready to be drawn once.

    Args:
        result: The frame and its faces.
        mirror: Whether the picture is mirrored.

    Attributes:
        result: The same.
        touched: The parts of the canvas that `paint` changes, px; they may reach outside. None
            where the canvas is more than the picture with these parts: it is mirrored, or has maps.
    """

    def __init__(self, result: FrameResult, *, mirror: bool = False) -> None:
        self.result = result
        self._mirror = mirror
        self._strokes: list[Callable[[Image], None]] = []
        self._maps = [face.map for face in result.faces if face.map is not None]
        self.touched: list[Rect] | None = None if mirror or self._maps else []

    def add(self, stroke: Callable[[Image], None], *touched: Rect) -> None:
        """Adds something that is drawn on all before it, and the parts of the canvas where."""
        self._strokes.append(stroke)
        if self.touched is not None:
            self.touched += touched

    def paint(self, canvas: Image) -> None:
        """Draws onto a canvas of the picture, uint8 `(H, W, 3)` BGR, in place. Only `touched` and
        the pixels around it are looked at."""
        for stroke in self._strokes:
            stroke(canvas)

    def make_canvas(self) -> Image:
        """Draws on a new canvas, uint8 `(H, W, 3)` BGR."""
        picture = self.result.picture
        if self._maps:
            canvas: Image = picture.copy()
            for shown in self._maps:
                paint_map(canvas, shown)
            canvas = np.asarray(cv2.flip(canvas, 1), np.uint8) if self._mirror else canvas
        else:  # flipping copies, so the picture is copied once
            canvas = np.asarray(cv2.flip(picture, 1), np.uint8) if self._mirror else picture.copy()
        self.paint(canvas)
        return canvas


def plan_drawing(
    result: FrameResult,
    mode: HudMode = "full",
    *,
    mirror: bool = False,
    history: History | None = None,
    memory: OverlayMemory | None = None,
    reserved: Sequence[Rect] = (),
) -> Drawing:
    """Plans what `draw_result` draws. Takes the same, and raises the same.

    >>> from app.types import Frame
    >>> frame = Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0, "black")
    >>> plan_drawing(FrameResult(frame, faces=(), labels=("neutral",))).touched
    []
    """
    if mode not in HUD_MODES:
        raise ValueError(f"mode must be one of {', '.join(HUD_MODES)}, got {mode!r}")
    if not all(result.frame.size_wh):
        raise ValueError(f"a picture must have pixels, got shape {result.picture.shape}")
    drawing = Drawing(result, mirror=mirror)
    if mode == "off":
        return drawing
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
        _add_line(drawing, plan[one.key], target.box, colour, size)
    for one, colour in zip(faces, colours, strict=True):
        _add_box(drawing, one.box, scene.size_wh, colour, size)
    for one in faces:
        if one.face.actions is not None:
            width = scene.size_wh[0] if mirror else None
            drawing.add(*plan_head_axes(one.face, one.face.actions, width))
    for one, target, colour in zip(faces, scene.faces, colours, strict=True):
        places = plan[one.key]
        if places.panel is not None:
            _add_panel(drawing, one, places, target.box, colour, result.labels, history, memory)
    for one, colour in zip(faces, colours, strict=True):
        spot = plan[one.key].label
        if spot is not None:
            _add_label(drawing, spot.rect, one.labels[spot.form], colour)
    if listed := memory.place_list([one.labels for one in faces], scene, plan):
        for number, rect in listed.lines:
            _add_label(drawing, rect, faces[number].labels[LISTED_FORM], colours[number])
    return drawing


def _add_label(drawing: Drawing, rect: Rect, label: Label, colour: Colour) -> None:
    drawing.add(
        partial(draw_label, rect=rect, label=label, colour=colour),
        rect.enlarge(measure_overhang_px(label.size)),
    )


def _add_box(
    drawing: Drawing, box: Rect, size_wh: tuple[int, int], colour: Colour, size: int
) -> None:
    thickness = max(2, round(BOX_SHARE * size))
    border = thickness + 2 * max(1, thickness // 2)
    (width, height), out = size_wh, 2 * thickness + 2
    # Lines this far outside are not seen. OpenCV's coordinates end at 2^31, those of boxes do not.
    left, right = (min(max(x, -out), width + out) for x in (box.x, box.right))
    top, bottom = (min(max(y, -out), height + out) for y in (box.y, box.bottom))

    def draw(canvas: Image) -> None:
        cv2.rectangle(canvas, (left, top), (right, bottom), BLACK, border)
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, thickness)

    reach = border // 2 + 1
    wide, high, line = right - left + 2 * reach + 1, bottom - top + 2 * reach + 1, 2 * reach + 1
    drawing.add(
        draw,
        Rect(left - reach, top - reach, wide, line),
        Rect(left - reach, bottom - reach, wide, line),
        Rect(left - reach, top - reach, line, high),
        Rect(right - reach, top - reach, line, high),
    )


def _add_line(drawing: Drawing, places: FacePlaces, box: Rect, colour: Colour, size: int) -> None:
    """Adds the line from a panel to its face, where they do not touch."""
    if places.panel is None:
        return
    start, end = find_shortest_line(places.panel.rect, box)
    if start == end:
        return
    thickness = max(2, round(LINE_SHARE * size))

    def draw(canvas: Image) -> None:
        cv2.line(canvas, start, end, BLACK, thickness + 2, cv2.LINE_AA)
        cv2.line(canvas, start, end, colour, thickness, cv2.LINE_AA)

    (x0, x1), (y0, y1) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    drawing.add(draw, Rect(x0, y0, x1 - x0 + 1, y1 - y0 + 1).enlarge(thickness // 2 + 3))


def _add_panel(
    drawing: Drawing,
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
    draw = partial(
        draw_panel,
        rect=rect,
        panel=panel,
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
    drawing.add(draw, rect.enlarge(measure_overhang_px(panel.size)))


def _find_edge(panel: Rect, box: Rect) -> str:
    """Finds the side of a panel that its face is on."""
    if panel.right <= box.x:
        return "right"
    if panel.y >= box.bottom and panel.x < box.right:
        return "top"
    if panel.bottom <= box.y and panel.x < box.right:
        return "bottom"
    return "left"
