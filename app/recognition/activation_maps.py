"""Makes class activation maps, which show the parts of a face that speak for the shown label.

Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016. docs/models.md
measures the worth of this network's maps.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from app.alignment import AlignmentTemplate, fit_crop_matrix
from app.types import Face, FaceMap, Floats, FrameResult


def make_face_map(cam: Floats, face: Face, template: AlignmentTemplate) -> FaceMap:
    """Places the activation map of one class over the face.

    Args:
        cam: `(h, w)` float32 over the face's crop.
        face: The place where the face is now.
        template: The alignment of the crop.

    Returns:
        The map with the transform from the picture's pixels to fractions of the crop's side.

    >>> from app.alignment import FACE_TEMPLATE
    >>> points = np.array([(33, 39), (67, 39), (50, 58), (50, 76), (0, 0), (0, 0)], np.float32)
    >>> face = Face((20, 20, 80, 80), points, 0.9)
    >>> shown = make_face_map(np.zeros((3, 3), np.float32), face, FACE_TEMPLATE)
    >>> (shown.matrix @ (50, 58, 1)).round(1)  # the tip of the nose
    array([0.5, 0.6])
    """
    return FaceMap(np.asarray(cam, np.float32), fit_crop_matrix(face.landmarks, template, 1))


def add_maps(
    result: FrameResult, cams: Mapping[int, Floats], template: AlignmentTemplate
) -> FrameResult:
    """Returns a result whose faces have their maps: that of the displayed class, for an unsure face
    that of the likeliest class.

    Args:
        result: The result of a frame.
        cams: Activation maps `(K, h, w)` of all classes, by the place of the face.
        template: The alignment of the crops.

    >>> from app.types import Frame
    >>> frame = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0.0, "black")
    >>> from app.alignment import FACE_TEMPLATE
    >>> add_maps(FrameResult(frame, (), ("neutral",)), {}, FACE_TEMPLATE).faces
    ()
    """
    labels, faces = result.labels, list(result.faces)
    for row, maps in cams.items():
        face = faces[row]
        is_sure = face.reason is None
        class_index = labels.index(face.label) if is_sure else int(face.probabilities.argmax())
        faces[row] = replace(face, map=make_face_map(maps[class_index], face.face, template))
    return replace(result, faces=tuple(faces))
