"""Class activation maps: which parts of a face speak for the label that is shown.

Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016. What these maps of
this network are worth is measured in docs/models.md.
"""

import numpy as np

from app.alignment import AlignmentTemplate, fit_crop_matrix
from app.types import Face, FaceMap, Floats


def make_face_map(cam: Floats, face: Face, template: AlignmentTemplate) -> FaceMap:
    """`cam (h, w)` of one class on one face's crop, to be shown where the face is now."""
    return FaceMap(np.asarray(cam, np.float32), fit_crop_matrix(face.landmarks, template, 1))
