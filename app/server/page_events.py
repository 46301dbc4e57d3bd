"""Makes the events of the page: an event as other programs get it, with what drawing needs."""

import base64
from dataclasses import dataclass

import cv2
import numpy as np

from app.events.event import EventClock, encode_event, make_event
from app.records.schema import PIXEL_DECIMALS
from app.server.outbox import FrameMessage
from app.types import Face, FaceMap, FrameResult, Image, Json, JsonValue

# A larger picture is scaled down: the page shows it no larger, and eight visitors take eight times
# as many bytes.
MAX_SHOWN_SIDE_PX = 1280
JPEG_QUALITY = 80  # 24 KB at 640 x 480


@dataclass(frozen=True, slots=True)
class Origin:
    """The stream that a frame comes from. `sequence` is the number that the page gave its picture;
    None for a picture that it did not send. `is_file` is True for a dropped file."""

    sequence: int | None = None
    is_file: bool = False


SERVER_CAMERA = Origin()
DROPPED_FILE = Origin(is_file=True)


def make_page_message(
    result: FrameResult,
    clock: EventClock,
    origin: Origin,
    *,
    with_picture: bool,
    number: int | None = None,
) -> FrameMessage:
    """Makes the message of a frame, with its picture as it may be shown.

    Args:
        result: The result.
        clock: The clocks of the event.
        origin: The stream of the frame.
        with_picture: True adds `result.picture` as JPEG.
        number: As in `FrameMessage`.
    """
    jpeg = encode_picture(result.picture) if with_picture else None
    event = make_event(result, clock)
    return FrameMessage(encode_event(_add_page_fields(event, result, origin, jpeg)), jpeg, number)


def _add_page_fields(event: Json, result: FrameResult, origin: Origin, jpeg: bytes | None) -> Json:
    event |= {"sequence": origin.sequence, "has_picture": jpeg is not None}
    if origin.is_file:
        event["file"] = True
    maps: list[JsonValue] = [
        {"face_id": face.face_id, **describe_map(face.map)}
        for face in result.faces
        if face.map is not None
    ]
    if maps:
        event["maps"] = maps
    if result.unread:  # labels leave these faces free
        event["unread_boxes"] = [_describe_box(face) for face in result.unread]
    return event


def _describe_box(face: Face) -> list[JsonValue]:
    x0, y0, x1, y1 = (float(value) for value in face.box_xyxy)
    return [round(value, PIXEL_DECIMALS) for value in (x0, y0, x1 - x0, y1 - y0)]


def describe_map(shown: FaceMap) -> Json:
    """Describes a map of the evidence for the page, which draws it.

    >>> shown = FaceMap(np.array([[1, -1], [0.5, 0]], np.float32), np.eye(2, 3))
    >>> described = describe_map(shown)
    >>> described["rows"], list(base64.b64decode(str(described["weights"])))
    (2, [255, 0, 128, 0])
    """
    peak = float(shown.weights.max())
    shares = np.maximum(shown.weights / peak, 0) if peak > 0 else np.zeros_like(shown.weights)
    rows, columns = shown.weights.shape
    codes = np.rint(255 * shares).astype(np.uint8)
    return {
        "rows": rows,
        "cols": columns,
        "weights": base64.b64encode(codes.tobytes()).decode("ascii"),
        "matrix": [round(value, 8) for value in shown.matrix.ravel().tolist()],
    }


def encode_picture(image: Image) -> bytes:
    """Encodes a picture as JPEG, scaled down to `MAX_SHOWN_SIDE_PX`.

    Args:
        image: uint8 (H, W, 3) BGR.

    >>> encode_picture(np.zeros((8, 8, 3), np.uint8))[:2].hex()
    'ffd8'
    """
    height, width = image.shape[:2]
    scale = MAX_SHOWN_SIDE_PX / max(height, width)
    if scale < 1:
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    _, codes = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return codes.tobytes()
