"""Puts the embeddings of faces, which programs may learn from, into results.

`app.contract.Contract` describes the numbers. A face has an embedding in the frames in which the
network read it, and in no other: where a reading is carried on or interpolated, there is none.
"""

from collections.abc import Mapping
from dataclasses import replace

from app.types import Floats, FrameResult


def add_embeddings(result: FrameResult, embeddings: Mapping[int, Floats]) -> FrameResult:
    """Returns a result whose faces have their embeddings.

    Args:
        result: The result of a frame.
        embeddings: Arrays `(d,)` by the place of the face.

    >>> import numpy as np
    >>> from app.types import Frame
    >>> frame = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0, "black")
    >>> add_embeddings(FrameResult(frame, (), ("neutral",)), {}).faces
    ()
    """
    faces = tuple(
        replace(face, embedding=embeddings[row]) if row in embeddings else face
        for row, face in enumerate(result.faces)
    )
    return replace(result, faces=faces)
