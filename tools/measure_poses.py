"""Measures the errors of head pose on rendered heads, whose pose is known:

python -m tools.measure_poses [FILE ...]

Each FILE is a picture or a video of one face, which a head is rendered with
(`tools.rendered_face`). Without any, it is the face in the portrait clip's first frame. The pose is
also measured with the perspective of other distances (`FACTORS`). Prints the mean and the greatest
error of yaw, pitch and roll in degrees.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.actions.head_pose import NETWORK_DISTANCE_FACTOR, HeadPose, measure_head_pose
from app.actions.landmarker import Landmarker
from app.actions.reader import CROP_PX, MARGINS, map_back, place_crop
from app.actions.rigid_points import RIGID_POINTS
from app.crops import warp
from app.defaults import PORTRAIT_CLIP
from app.detection.search import FaceSearch
from app.errors import SourceError
from app.process.console import DONE, run_command
from app.process.threads import set_threads
from app.types import Face, Image
from tools.rendered_face import render_face

SIZE_WH = (1280, 720)
AWAY_CM = 50.0
MIN_PHOTO_SIDE_PX = 2000  # a smaller frame is doubled, so that rendered heads are sharp
PHOTO_FRAMES = range(0, 300, 15)  # of a video, of which the straightest face is taken
FACTORS = (1.0, NETWORK_DISTANCE_FACTOR, 2.0)  # as `measure_head_pose` takes them
VERTICES = 468  # the network's first points

# Groups of rendered heads: pose, and place in cm right of the axis, above it and before the camera.
GROUPS: dict[str, list[tuple[HeadPose, tuple[float, float, float]]]] = {
    "yaw to 30°": [(HeadPose(y, 0, 0), (0, 0, AWAY_CM)) for y in (-30, -20, -10, 0, 10, 20, 30)],
    "yaw of 40°": [(HeadPose(y, 0, 0), (0, 0, AWAY_CM)) for y in (-40, 40)],
    "pitch from -12° to 25°": [(HeadPose(0, p, 0), (0, 0, AWAY_CM)) for p in (-12, -6, 12, 25)],
    "pitch of -25°": [(HeadPose(0, -25, 0), (0, 0, AWAY_CM))],
    "roll to 60°": [(HeadPose(0, 0, r), (0, 0, AWAY_CM)) for r in (-60, -30, 30, 60)],
    "up to 20° beside the axis": [
        (HeadPose(0, 0, 0), (x, y, AWAY_CM)) for x, y in ((-18, 0), (-9, 5), (9, -5), (18, 0))
    ],
    "three times as far": [(HeadPose(y, 0, 0), (10, 0, 150)) for y in (-15, 0, 15)],
    "turned, tilted and beside the axis": [
        (HeadPose(y, p, r), (x, 0, AWAY_CM))
        for y, p, r, x in ((-25, 10, 15, 8), (25, -10, -15, -8), (35, 8, 0, 5), (-35, -8, 0, -5))
    ],
}


def measure_pose_errors(
    search: FaceSearch, photo: Image, points: NDArray[np.float64]
) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Measures the errors of rendered heads.

    Args:
        search: Finds the faces.
        photo: The picture of the face, uint8 (H, W, 3) BGR.
        points: The places of its 468 points in px, (468, 2).

    Returns:
        For each of `FACTORS` and each group of heads the `mean` and the `greatest` error of yaw,
        pitch and roll in degrees, and the number of `heads` whose face could be read.
    """
    errors: dict[float, dict[str, list[NDArray[np.float64]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    with Landmarker() as landmarker:
        for name, heads in GROUPS.items():
            for pose, place_cm in heads:
                image = render_face(photo, points, pose, place_cm, SIZE_WH)
                for face in search.detect(image)[:1]:
                    places = read_points(landmarker, image, face)
                    if places is None:
                        continue
                    rigid = places[list(RIGID_POINTS)]
                    for factor in FACTORS:
                        found = measure_head_pose(rigid, SIZE_WH, distance_factor=factor)
                        assert found is not None
                        errors[factor][name].append(np.abs(np.subtract(found, pose)))
    return {
        f"factor {factor:g}": {name: _sum_up(values) for name, values in groups.items()}
        for factor, groups in errors.items()
    }


def _sum_up(errors: Sequence[NDArray[np.float64]]) -> dict[str, list[float]]:
    return {
        "mean": np.mean(errors, 0).round(1).tolist(),
        "greatest": np.max(errors, 0).round(1).tolist(),
        "heads": [len(errors)],
    }


def read_points(
    landmarker: Landmarker, image: Image, face: Face, *, is_quick: bool = True
) -> NDArray[np.float64] | None:
    """Reads the places (478, 2) of a face's points in px, by the crop that facial actions are read
    in first; None where the network finds no face. `is_quick` as `app.crops.warp` takes it."""
    matrix = place_crop(face, MARGINS[0])
    mesh = landmarker.read(warp(image, matrix, CROP_PX, is_quick=is_quick))
    return None if mesh is None else map_back(mesh.points, matrix)


def read_photo(
    search: FaceSearch, path: Path, frames: range = range(1)
) -> tuple[Image, NDArray[np.float64], HeadPose]:
    """Reads the face of a picture or a video that looks the straightest into the camera.

    Args:
        search: Finds the faces.
        path: The picture or the video.
        frames: The frames of a video that are looked at.

    Returns:
        The frame, the places of the face's 468 points in px, and its pose.

    Raises:
        SourceError: There is no face.
    """
    best: tuple[Image, NDArray[np.float64], HeadPose] | None = None
    film = cv2.VideoCapture(str(path))
    with Landmarker() as landmarker:
        for number in range(frames.stop):
            if not film.grab():
                break
            if number not in frames:
                continue
            image = film.retrieve()[1]
            if max(image.shape[:2]) < MIN_PHOTO_SIDE_PX:
                image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            frame = np.ascontiguousarray(image, np.uint8)
            for face in search.detect(frame)[:1]:
                places = read_points(landmarker, frame, face, is_quick=False)
                if places is None:
                    continue
                size_wh = frame.shape[1], frame.shape[0]
                pose = measure_head_pose(places[list(RIGID_POINTS)], size_wh)
                if pose and (best is None or _is_straighter(pose, best[2])):
                    best = frame, places[:VERTICES], pose
    if best is None:
        raise SourceError(f"{path} shows no face.")
    return best


def _is_straighter(pose: HeadPose, than: HeadPose) -> bool:
    return abs(pose.yaw_deg) + abs(pose.pitch_deg) < abs(than.yaw_deg) + abs(than.pitch_deg)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints the errors with each face. Returns the exit code."""
    command = argparse.ArgumentParser(
        prog="python -m tools.measure_poses",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("photos", nargs="*", type=Path, metavar="FILE")
    options = command.parse_args(argv)
    set_threads()
    with FaceSearch() as search:
        for path in options.photos or [PORTRAIT_CLIP]:
            frames = PHOTO_FRAMES if options.photos else range(1)
            photo, points, pose = read_photo(search, path, frames)
            print(f"{path.name}: yaw, pitch and roll of the photo {np.round(pose, 1).tolist()}")
            for factor, groups in measure_pose_errors(search, photo, points).items():
                print(f"  {factor}")
                for name, found in groups.items():
                    print(f"    {name:36}{json.dumps(found)}")
    return DONE


if __name__ == "__main__":
    sys.exit(run_command(main))
