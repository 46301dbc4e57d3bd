"""Draws a simple face for each expression, which a user can copy.

The faces are drawn by this code from a few numbers; no person's picture is behind them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.overlay.text import WHITE, Colour
from app.placement.rects import Rect
from app.recognition.expression_names import MEANING, fold_text
from app.types import Image

FINE = 4  # lines are given to OpenCV in 1/16 px
CURVE_POINTS = 24


@dataclass(frozen=True, slots=True)
class ExampleFace:
    """The pose of a drawn face. Lengths are in halves of the face's width, positive upwards.

    Attributes:
        inner_brow: How far the inner ends of the brows are raised.
        outer_brow: The same for the outer ends.
        eye: The opening of the eyes; 1 is usual.
        corners: How far the corners of the mouth are raised.
        right_corner: Added to the corner on the picture's right.
        upper_lip: How far the middle of the upper lip is raised.
        mouth: The opening of the mouth.
        mouth_width: The half width of the mouth.
        nose_wrinkles: True draws wrinkles beside the nose.
        frown: True draws two lines between the brows.
        cheeks: True draws the folds of a smile.
        round_mouth: True draws the open mouth as an oval.
    """

    inner_brow: float = 0.0
    outer_brow: float = 0.0
    eye: float = 1.0
    corners: float = 0.0
    right_corner: float = 0.0
    upper_lip: float = 0.0
    mouth: float = 0.0
    mouth_width: float = 0.3
    nose_wrinkles: bool = False
    frown: bool = False
    cheeks: bool = False
    round_mouth: bool = False


RESTING = ExampleFace()
EXAMPLES: Mapping[str, ExampleFace] = {
    "neutral": RESTING,
    "happiness": replace(RESTING, corners=0.2, mouth=0.16, mouth_width=0.42, eye=0.7, cheeks=True),
    "surprise": replace(
        RESTING,
        inner_brow=0.17,
        outer_brow=0.19,
        eye=1.55,
        mouth=0.27,
        mouth_width=0.19,
        round_mouth=True,
    ),
    "sadness": replace(RESTING, inner_brow=0.14, outer_brow=-0.07, eye=0.75, corners=-0.15),
    "anger": replace(
        RESTING,
        inner_brow=-0.14,
        outer_brow=0.07,
        eye=0.8,
        corners=-0.05,
        mouth_width=0.25,
        frown=True,
    ),
    "disgust": replace(
        RESTING,
        inner_brow=-0.08,
        outer_brow=-0.03,
        eye=0.55,
        corners=-0.1,
        upper_lip=0.13,
        mouth=0.05,
        nose_wrinkles=True,
    ),
    "fear": replace(
        RESTING,
        inner_brow=0.17,
        outer_brow=0.06,
        eye=1.5,
        corners=-0.06,
        mouth=0.13,
        mouth_width=0.4,
    ),
    "contempt": replace(RESTING, right_corner=0.17, outer_brow=0.02),
}
HOW_TO: Mapping[str, str] = {
    "neutral": "Relax your face and look at the screen",
    "happiness": "Smile broadly, as at a good joke",
    "surprise": "Raise your brows and drop your jaw",
    "sadness": "Raise the inner ends of your brows, pull down the corners of your mouth",
    "anger": "Draw your brows down and together, press your lips",
    "disgust": "Wrinkle your nose and raise your upper lip",
    "fear": "Raise your brows, open your eyes wide, stretch your lips",
    "contempt": "Raise one corner of your mouth",
}


def find_example(label: str) -> ExampleFace | None:
    """Finds the drawn face for a label in any language that is known; None for another label.

    >>> find_example("Freude") == EXAMPLES["happiness"], find_example("calm") is None
    (True, True)
    """
    return EXAMPLES.get(MEANING.get(fold_text(label), label))


def find_how_to(label: str) -> str:
    """Finds the words that ask for an expression.

    >>> find_how_to("anger"), find_how_to("calm")
    ('Draw your brows down and together, press your lips', 'Show: calm')
    """
    return HOW_TO.get(MEANING.get(fold_text(label), label), f"Show: {label}")


def draw_example_face(canvas: Image, rect: Rect, face: ExampleFace, colour: Colour = WHITE) -> None:
    """Draws a face into a rectangle of the canvas, in place.

    Args:
        canvas: uint8 `(H, W, 3)` BGR.
        rect: The rectangle, px; the face fills its smaller side.
        face: The pose.
        colour: The colour of the lines, BGR.

    >>> canvas = np.zeros((40, 40, 3), np.uint8)
    >>> draw_example_face(canvas, Rect(0, 0, 40, 40), RESTING)
    >>> int(canvas.max()), int(canvas[20, 20].max()) < 255
    (255, True)
    """
    pen = _Pen(canvas, rect, colour)
    angle = np.linspace(0, 2 * np.pi, 64)
    pen.draw(np.c_[0.78 * np.sin(angle), np.cos(angle)], wide=1.5)
    for side in (-1.0, 1.0):
        _draw_eye(pen, side, face)
        brow = [
            (side * 0.14, 0.4 + face.inner_brow),
            (side * 0.33, 0.47 + 0.5 * (face.inner_brow + face.outer_brow)),
            (side * 0.53, 0.4 + face.outer_brow),
        ]
        pen.draw(_bend(*brow), wide=1.6)
        if face.nose_wrinkles:
            for low in (0.0, 0.1):
                pen.draw(_bend((side * 0.08, low), (side * 0.15, low + 0.06), (side * 0.2, low)))
            pen.draw(_bend((side * 0.18, -0.2), (side * 0.32, -0.28), (side * 0.4, -0.45)))
        if face.cheeks:
            pen.draw(_bend((side * 0.3, -0.08), (side * 0.55, -0.14), (side * 0.56, -0.36)))
        if face.frown:
            pen.draw(np.array([(side * 0.05, 0.28), (side * 0.06, 0.42)]))
    pen.draw(_bend((0.0, 0.15), (-0.06, -0.05), (-0.09, -0.12)))
    pen.draw(_bend((-0.09, -0.12), (0.0, -0.19), (0.09, -0.12)))
    _draw_mouth(pen, face)


def _draw_eye(pen: "_Pen", side: float, face: ExampleFace) -> None:
    height = 0.075 * face.eye
    angle = np.linspace(0, 2 * np.pi, 32)
    pen.draw(np.c_[side * 0.33 + 0.14 * np.cos(angle), 0.2 + height * np.sin(angle)])
    pen.dot((side * 0.33, 0.2), 0.05)


def _draw_mouth(pen: "_Pen", face: ExampleFace) -> None:
    low = -0.5
    left = -face.mouth_width, low + face.corners
    right = face.mouth_width, low + face.corners + face.right_corner
    upper = 0.0, low + 2 * face.upper_lip + (0.12 * face.mouth if face.corners <= 0 else 0.0)
    if face.round_mouth:
        angle = np.linspace(0, 2 * np.pi, 32)
        oval = np.c_[face.mouth_width * np.sin(angle), face.mouth * np.cos(angle)]
        pen.draw(oval + (0.0, low - face.mouth / 4), wide=1.5)
    elif face.mouth:
        lower = 0.0, low - 2 * face.mouth + face.corners * 0.3
        pen.draw(_bend(left, upper, right), wide=1.5)
        pen.draw(_bend(left, lower, right), wide=1.5)
    else:
        middle = 0.0, low - face.corners * 0.6 - face.right_corner * 0.15
        pen.draw(_bend(left, middle, right), wide=1.6)


def _bend(*points: tuple[float, float]) -> NDArray[np.float64]:
    """Returns points on the quadratic curve from the first to the third point, drawn towards the
    second."""
    first, second, third = (np.array(point) for point in points)
    t = np.linspace(0, 1, CURVE_POINTS)[:, None]
    return np.asarray((1 - t) ** 2 * first + 2 * t * (1 - t) * second + t**2 * third, np.float64)


class _Pen:
    """Draws lines in the coordinates of a face: x and y within -1 to 1, y upwards."""

    def __init__(self, canvas: Image, rect: Rect, colour: Colour) -> None:
        self._canvas, self._colour = canvas, colour
        self._scale = 0.44 * min(rect.width, rect.height)
        self._centre = np.array([rect.x + rect.width / 2, rect.y + rect.height / 2])
        self._thick = max(1.0, 0.035 * self._scale)

    def draw(self, points: NDArray[np.float64], *, wide: float = 1.0) -> None:
        cv2.polylines(
            self._canvas,
            [self._place(points)],
            False,
            self._colour,
            max(1, round(wide * self._thick)),
            cv2.LINE_AA,
            FINE,
        )

    def dot(self, point: tuple[float, float], radius: float) -> None:
        x, y = self._place(np.array([point]))[0].tolist()
        size = max(1, round(radius * self._scale * 2**FINE))
        cv2.circle(self._canvas, (x, y), size, self._colour, cv2.FILLED, cv2.LINE_AA, FINE)

    def _place(self, points: NDArray[np.float64]) -> NDArray[np.int32]:
        placed = self._centre + self._scale * points * (1, -1)
        return np.asarray(np.round(placed * 2**FINE), np.int32)
