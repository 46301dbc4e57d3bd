"""Mines detections that the face check finds hard: faces that the detector sees badly, and patterns
that two nearer looks confirm."""

from collections.abc import Iterator

import numpy as np

from app.detection.networks import NetworkLooks, list_glances
from training.datasets.pack import PackedSample
from training.datasets.readers import Split
from training.synthetic.detections import (
    MISPLACED_SHARE,
    find_detections,
    label_detections,
    misplace,
    pack_detection,
)
from training.synthetic.mined_pictures import POSE_FRAME_PX, Patterns, PoseFrames

# A face is seen well where both nearer looks give it this score. The search then needs the face
# check least, so that few of them are learned from.
WELL_SEEN_SCORE = 0.8
WELL_SEEN_SHARE = 0.25  # of the faces that are seen well
# A pattern whose two nearer looks have this mean score is likely to get past the looks that follow.
HARD_PATTERN_SCORE = 0.5
EASY_PATTERN_SHARE = 0.25  # of the other patterns


def mine_faces(
    looks: NetworkLooks,
    frames: PoseFrames,
    split: Split,
    numbers: range,
    generator: np.random.Generator,
) -> Iterator[PackedSample]:
    """Mines the detections of as many frames as there are `numbers`, which name the frames.

    Both looks at a hint become samples. Of faces that the detector sees well in both, a share
    `WELL_SEEN_SHARE` is taken. A share `MISPLACED_SHARE` of the faces is shown once more at a wrong
    place, labelled "none".
    """
    plan = list_glances(POSE_FRAME_PX, POSE_FRAME_PX, far_faces=False)[:2]  # the whole frame
    for number in numbers:
        frame, placed = frames.draw(number)
        for detections in find_detections(looks, frame, plan):
            shown = label_detections(detections, placed)
            if not shown:
                continue
            face, label = shown[-1]
            if label == "face":
                is_seen_well = min(one.score for one in detections) >= WELL_SEEN_SCORE
                if is_seen_well and generator.random() >= WELL_SEEN_SHARE:
                    continue
                if generator.random() < MISPLACED_SHARE:
                    shown.append((misplace(face, generator), "none"))
            for one, is_what in shown:
                sample = pack_detection(frame, one, is_what, split, f"{split} pose {number}")
                if sample is not None:
                    yield sample


def mine_patterns(
    looks: NetworkLooks,
    patterns: Patterns,
    split: Split,
    numbers: range,
    generator: np.random.Generator,
) -> Iterator[PackedSample]:
    """Mines the detections of as many pictures without a face as there are `numbers`, which name
    the pictures. Hints that the second nearer look does not confirm are left out, because the
    search drops them without the face check. Of those that the detector sees badly, a share
    `EASY_PATTERN_SHARE` is taken."""
    for number in numbers:
        picture = patterns.draw()
        for detections in find_detections(looks, picture):
            if len(detections) < 2:
                continue
            score = sum(face.score for face in detections) / len(detections)
            if score < HARD_PATTERN_SCORE and generator.random() >= EASY_PATTERN_SHARE:
                continue
            for face in detections:
                sample = pack_detection(picture, face, "none", split, f"{split} pattern {number}")
                if sample is not None:
                    yield sample
