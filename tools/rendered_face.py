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
# The rest of a head, which the mean face lacks: centres and radii of ellipsoids in cm, in the axes
# of `app.actions.head_pose`. Without it, a turned face is a mask before an empty ground, which the
# network reads worse: the greatest error of yaw at 40 degrees was 7.0 instead of 6.1.
NECK_CM = tuple(((0.0, -11.0 - 1.5 * step, -5.0), (5.5, 1.5, 5.5)) for step in range(6))
SKULL_CM = ((0.0, 3.5, -5.5), (8.3, 9.5, 9.5))
JAW_CM = ((0.0, -2.0, -2.5), (7.0, 7.0, 6.0))
EARS_CM = tuple(((side * 8.0, 0.5, -3.5), (0.6, 3.2, 1.8)) for side in (-1, 1))
ELLIPSOID_STEPS = 24  # of its latitudes, and of its longitudes
CHEEKS = (50, 280)  # vertices of which the photo tells the colour of skin
FOREHEAD, CHIN = 10, 152  # vertices; the photo tells the colour of hair above the forehead
HAIR_SHARE = 0.06  # of the face's height above it
# A triangle at the side of the face that the photo saw at a slant has the ground in it instead of
# skin, and is painted like skin.
SIDE_CM = 5.0  # from the middle of the face
MIN_FACING = 0.3  # cosine of the angle between its normal and the line of sight


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


def make_ellipsoid(
    centre_cm: tuple[float, float, float], radii_cm: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Makes points (N, 3) on an ellipsoid.

    >>> make_ellipsoid((0, 0, 1), (1, 2, 3)).max(0).round(6).tolist()
    [1.0, 2.0, 4.0]
    """
    longitudes = np.linspace(0, 2 * np.pi, 2 * ELLIPSOID_STEPS + 1)
    latitudes = np.linspace(0, np.pi, ELLIPSOID_STEPS + 1)[:, None]
    ring = np.sin(latitudes)
    sphere = np.stack(
        [
            ring * np.cos(longitudes),
            np.cos(latitudes) + 0 * longitudes,
            ring * np.sin(longitudes),
        ],
        axis=-1,
    )
    return np.asarray(sphere.reshape(-1, 3) * radii_cm + centre_cm, np.float64)


def _pick_colour(photo: Image, places: NDArray[np.float64]) -> tuple[int, int, int]:
    """Picks the mean colour around places (N, 2) of a photo."""
    height, width = photo.shape[:2]
    patches = []
    for x, y in np.round(places).astype(int):
        x, y = min(max(x, 2), width - 3), min(max(y, 2), height - 3)
        patches.append(photo[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3).mean(0))
    blue, green, red = np.mean(patches, 0).round().astype(int).tolist()
    return blue, green, red


def _paint_head(
    canvas: Image,
    pose: HeadPose,
    place_cm: tuple[float, float, float],
    skin: tuple[int, int, int],
    hair: tuple[int, int, int],
) -> None:
    """Paints neck, skull, ears and jaw, from the back to the front."""
    size_wh = canvas.shape[1], canvas.shape[0]
    neck = np.concatenate([make_ellipsoid(*ring) for ring in NECK_CM])
    parts = [(neck, skin), (make_ellipsoid(*SKULL_CM), hair)]
    parts += [(make_ellipsoid(*ear), skin) for ear in EARS_CM]
    parts.append((make_ellipsoid(*JAW_CM), skin))
    for points_cm, colour in parts:
        flat = project_points(points_cm, pose, place_cm, size_wh).astype(np.float32)
        outline = cv2.convexHull(np.round((flat - 0.5) * 16).astype(np.int32))
        cv2.fillConvexPoly(canvas, outline, colour, cv2.LINE_AA, 4)


def render_face(
    photo: Image,
    photo_points: NDArray[np.float64],
    pose: HeadPose,
    place_cm: tuple[float, float, float],
    size_wh: tuple[int, int],
) -> Image:
    """Renders the face of a photo in another pose, with a plain head behind it, on grey.

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
    corner, one, other = (vertices[triangles[:, place]] for place in range(3))
    normals = np.cross(one - corner, other - corner)
    facing = normals[:, 2] / np.linalg.norm(normals, axis=1)
    winding = np.sign(facing.sum())  # of all triangles, seen from the front
    has_texture = (facing * winding >= MIN_FACING) | (np.abs(corner[:, 0]) < SIDE_CM)
    canvas = np.full((size_wh[1], size_wh[0], 3), GROUND_GREY, np.uint8)
    skin = _pick_colour(photo, photo_points[list(CHEEKS)])
    top, chin = photo_points[FOREHEAD], photo_points[CHIN]
    hair = _pick_colour(photo, (top + HAIR_SHARE * (top - chin))[None])
    _paint_head(canvas, pose, place_cm, skin, hair)
    for number in np.argsort(depth[triangles].sum(1)).tolist():
        corners = triangles[number]
        there = places[corners].astype(np.float32)
        (ax, ay), (bx, by) = there[1] - there[0], there[2] - there[0]
        if (ax * by - ay * bx) * winding >= 0:  # y of the picture points down: it shows its back
            continue
        x0, y0 = np.floor(there.min(0)).astype(int) - 1
        x1, y1 = np.ceil(there.max(0)).astype(int) + 1
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(size_wh[0], x1), min(size_wh[1], y1)
        if x0 >= x1 or y0 >= y1:
            continue
        shift = np.array([x0, y0], np.float32)
        source = photo_points[corners].astype(np.float32)
        (sx, sy), (tx, ty) = source[1] - source[0], source[2] - source[0]
        if has_texture[number] and (sx * ty - sy * tx) * winding < 0:
            # OpenCV counts pixel centres at whole numbers, this project at halves.
            matrix = cv2.getAffineTransform(source - 0.5, there - shift - 0.5)
            patch = cv2.warpAffine(
                photo,
                matrix,
                (x1 - x0, y1 - y0),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            )
        else:
            patch = np.full((y1 - y0, x1 - x0, 3), skin, np.uint8)
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        # A sixteenth of a pixel is exact enough, and one more pixel closes the seams.
        corners_px = np.round((there - shift - 0.5) * 16).astype(np.int32)
        cv2.fillConvexPoly(mask, corners_px, 255, cv2.LINE_8, 4)
        cv2.polylines(mask, [corners_px], True, 255, 1, cv2.LINE_8, 4)
        canvas[y0:y1, x0:x1][mask > 0] = patch[mask > 0]
    return canvas
