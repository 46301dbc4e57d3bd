"""Every expression of the shipped models has a drawn face of its own."""

import itertools

import numpy as np

from app.overlay.example_face import EXAMPLES, HOW_TO, draw_example_face, find_example, find_how_to
from app.placement.rects import Rect
from app.recognition.expression_names import EXPRESSIONS


def test_every_expression_has_a_face_and_words() -> None:
    assert EXAMPLES.keys() == HOW_TO.keys() == EXPRESSIONS
    assert find_example("Happy") is EXAMPLES["happiness"]
    assert find_example("calm") is None
    assert find_how_to("traurig") == HOW_TO["sadness"]


def test_faces_differ_and_stay_in_their_rectangle() -> None:
    drawn = {}
    for name, face in EXAMPLES.items():
        canvas = np.zeros((120, 160, 3), np.uint8)
        draw_example_face(canvas, Rect(40, 20, 80, 80), face)
        outside = canvas.copy()
        outside[20:100, 40:120] = 0
        assert not outside.any(), name
        drawn[name] = canvas
    for one, other in itertools.combinations(EXAMPLES, 2):
        assert np.count_nonzero(drawn[one] != drawn[other]) > 100, (one, other)
