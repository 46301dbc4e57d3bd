"""Renders a face of a known pose: the pixels of a photo on MediaPipe's mean face, seen by a camera.

The mean face and its triangles come from the metadata in `models/face_landmarker.task`. The shape
is thus exactly that by which `app.actions.head_pose` measures, and the pose is known without a
person who says how far they turned.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.actions.head_pose import FOCAL_SHARE, HeadPose, make_turn
from app.actions.landmarker import FACE_LANDMARKER
from app.types import Image

METADATA = "geometry_pipeline_metadata_landmarks.binarypb"
# Fields of the metadata: the mesh, and in it the numbers of vertices and the corners of triangles.
MESH_FIELD, VERTEX_FIELD, INDEX_FIELD = 1, 3, 4
VERTEX_NUMBERS = 5  # x, y, z in cm, and two for a texture
GROUND_GREY = 128


def _list_fields(content: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Yields (number, value) of the fields of a protobuf message: whole numbers, or bytes."""
    at = 0

    def take_whole() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(content):
        key = take_whole()
        kind = key & 7
        if kind == 0:
            yield key >> 3, take_whole()
            continue
        length = {1: 8, 5: 4}.get(kind) or take_whole()
        yield key >> 3, content[at : at + length]
        at += length


def read_mean_face(model: Path = FACE_LANDMARKER) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Reads the mean face: vertices (468, 3) in cm, x to the right, y up, z towards the camera; and
    triangles (898, 3) of their numbers."""
    with zipfile.ZipFile(model) as bundle:
        fields = dict(reversed(list(_list_fields(bundle.read(METADATA)))))
    mesh = list(_list_fields(bytes(fields[MESH_FIELD])))
    vertex_bytes = b"".join(bytes(value) for field, value in mesh if field == VERTEX_FIELD)
    numbers = np.frombuffer(vertex_bytes, "<f4")
    corners = [int(value) for field, value in mesh if field == INDEX_FIELD]
    vertices = numbers.astype(np.float64).reshape(-1, VERTEX_NUMBERS)[:, :3]
    return vertices, np.array(corners, np.int64).reshape(-1, 3)


def project_points(
    points_cm: NDArray[np.float64],
    pose: HeadPose,
    place_cm: tuple[float, float, float],
    size_wh: tuple[int, int],
    focal_share: float = FOCAL_SHARE,
) -> NDArray[np.float64]:
    """Projects points of a head into a picture.

    Args:
        points_cm: The points (N, 3), in the axes of `app.actions.head_pose`.
        pose: The pose of the head.
        place_cm: The place of the head's middle: right of the camera's axis, above it, and before
            the camera.
        size_wh: The width and height of the picture in px.
        focal_share: The focal length, in longer sides of the picture.

    Returns:
        The places (N, 2) in px.

    >>> nose = np.array([[0.0, 0.0, 5.0]])
    >>> project_points(nose, HeadPose(0.0, 0.0, 0.0), (0.0, 0.0, 60.0), (640, 480)).tolist()
    [[320.0, 240.0]]
    """
    width, height = size_wh
    right, up, away = place_cm
    turned = points_cm @ make_turn(pose).T + (right, up, -away)
    flat = turned[:, :2] * (1, -1) / -turned[:, 2:] * (focal_share * max(size_wh))
    return np.asarray(flat + (width / 2, height / 2), np.float64)


def render_face(
    photo: Image,
    photo_points: NDArray[np.float64],
    pose: HeadPose,
    place_cm: tuple[float, float, float],
    size_wh: tuple[int, int],
) -> Image:
    """Renders the face of a photo in another pose, on grey.

    Args:
        photo: A picture of a face that looks into the camera, uint8 (H, W, 3) BGR.
        photo_points: The places of the 468 vertices in it, px (468, 2).
        pose: The pose to render.
        place_cm: As `project_points` takes it.
        size_wh: The width and height of the new picture in px.

    Returns:
        The new picture, uint8 (H, W, 3) BGR.
    """
    vertices, triangles = read_mean_face()
    places = project_points(vertices, pose, place_cm, size_wh)
    depth = vertices @ make_turn(pose)[2]
    canvas = np.full((size_wh[1], size_wh[0], 3), GROUND_GREY, np.uint8)
    for corners in sorted(triangles.tolist(), key=lambda three: depth[three].sum()):
        there = places[corners].astype(np.float32)
        (ax, ay), (bx, by) = there[1] - there[0], there[2] - there[0]
        source = photo_points[corners].astype(np.float32)
        (sx, sy), (tx, ty) = source[1] - source[0], source[2] - source[0]
        if (ax * by - ay * bx) * (sx * ty - sy * tx) <= 0:  # it shows its back
            continue
        x0, y0 = np.floor(there.min(0)).astype(int) - 1
        x1, y1 = np.ceil(there.max(0)).astype(int) + 1
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(size_wh[0], x1), min(size_wh[1], y1)
        if x0 >= x1 or y0 >= y1:
            continue
        shift = np.array([x0, y0], np.float32)
        # OpenCV counts pixel centres at whole numbers, this project at halves.
        matrix = cv2.getAffineTransform(source - 0.5, there - shift - 0.5)
        patch = cv2.warpAffine(
            photo, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        # A sixteenth of a pixel is exact enough, and one more pixel closes the seams.
        corners_px = np.round((there - shift - 0.5) * 16).astype(np.int32)
        cv2.fillConvexPoly(mask, corners_px, 255, cv2.LINE_8, 4)
        cv2.polylines(mask, [corners_px], True, 255, 1, cv2.LINE_8, 4)
        canvas[y0:y1, x0:x1][mask > 0] = patch[mask > 0]
    return canvas
