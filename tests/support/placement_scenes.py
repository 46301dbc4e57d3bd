"""Scenes of made faces for the tests of where labels and panels go."""

import math
from collections.abc import Iterator

from app.placement.rects import Rect, count_shared_px, stack_corners
from app.placement.values import Form, Plan, Scene, SceneFace

LABELS = (
    Form(150, 26, 1.0, over_own=True),
    Form(120, 20, 0.9, over_own=True),
    Form(80, 20, 0.8, over_own=True),
    Form(30, 20, 0.3, over_own=True),
)
PANELS = (
    Form(200, 220, 1.0),
    Form(200, 180, 0.9),
    Form(160, 140, 0.8),
    Form(140, 60, 0.6, over_own=True),
    Form(300, 24, 0.4, over_own=True),
)
HD = (1280, 720)


def inner_of(box: Rect) -> Rect:
    return Rect(
        box.x + round(0.14 * box.width),
        box.y + round(0.2 * box.height),
        max(1, round(0.72 * box.width)),
        max(1, round(0.68 * box.height)),
    )


def subject(number: int, box: Rect, size_wh: tuple[int, int] = HD) -> SceneFace:
    return SceneFace(
        (number, 0), box.cut_to(*size_wh), inner_of(box).cut_to(*size_wh), LABELS, PANELS
    )


def scene(*boxes: Rect, size_wh: tuple[int, int] = HD, blocked: tuple[Rect, ...] = ()) -> Scene:
    subjects = tuple(subject(number, box, size_wh) for number, box in enumerate(boxes))
    return Scene(size_wh, subjects, blocked, gap_px=4)


def clashes(made: Scene, plan: Plan) -> list[str]:
    """Returns what a plan does wrong: overlaps with each other, with inner parts of faces, with
    what is blocked, and with the picture's border."""
    wrong = []
    width, height = made.size_wh
    spots = [
        (one, name, spot)
        for one in made.faces
        for name, spot in zip(("label", "panel"), plan[one.key], strict=True)
        if spot is not None
    ]
    if not spots:
        return []
    ours = stack_corners(spot.rect for _, _, spot in spots)
    over = count_shared_px(ours, ours) > 0
    inner = count_shared_px(ours, stack_corners(one.inner for one in made.faces)) > 0
    blocked = (count_shared_px(ours, stack_corners(made.blocked)) > 0).any(axis=1)
    for row, (one, name, spot) in enumerate(spots):
        rect = spot.rect
        if rect.x < 0 or rect.y < 0 or rect.right > width or rect.bottom > height:
            wrong.append(f"{name} of {one.key} leaves the picture")
        if over[row].sum() > 1:
            wrong.append(f"{name} of {one.key} overlaps")
        if inner[row].any():
            wrong.append(f"{name} of {one.key} covers eyes or mouth")
        if blocked[row]:
            wrong.append(f"{name} of {one.key} covers what is blocked")
    return wrong


def walk(
    count: int, *, seconds: float, frames_per_s: float = 25, size_wh: tuple[int, int] = HD
) -> Iterator[tuple[Scene, float]]:
    """Yields scenes of faces that sway, cross each other's way and shake as detections do."""
    width, height = size_wh
    for frame in range(round(seconds * frames_per_s)):
        time_s = frame / frames_per_s
        boxes = []
        for number in range(count):
            phase = 2.4 * number
            x = 0.5 + 0.36 * math.sin(0.25 * time_s + phase)
            y = 0.45 + 0.25 * math.sin(0.17 * time_s + 1.7 * phase)
            shake = 1.5 * math.sin(97.0 * time_s + phase), 1.5 * math.sin(61.0 * time_s + phase)
            side = height * (0.16 + 0.04 * math.sin(phase)) + shake[1]
            left, top = x * width - side / 2 + shake[0], y * height - side / 2 + shake[1]
            boxes.append(Rect(round(left), round(top), round(side), round(side)))
        yield scene(*boxes, size_wh=size_wh), time_s
