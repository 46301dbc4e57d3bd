"""Makes class activation maps, which show the parts of a face that speak for the shown label.

Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016. docs/models.md
measures the worth of this network's maps.
"""

import numpy as np

from app.alignment import AlignmentTemplate, fit_crop_matrix
from app.types import Face, FaceMap, Floats


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
