"""The limits on what visitors may send and take."""

from app.types import Json

MAX_VISITORS = 16  # sockets at once, of pages and of programs that read the events
MAX_PICTURE_BYTES = 1 << 20  # a JPEG of 1920 x 1080 px of high quality has 0.5 MB
MAX_SIDE_PX = 1920  # of a browser's picture
MAX_SCANS = 12  # of a JPEG; each costs a decoder as much as the whole picture, usual are up to 10
MAX_FILE_BYTES = 100 << 20  # a minute of a phone's video in 1080p
MAX_VIDEO_S = 300.0  # of a dropped video; the rest is not read
MAX_CHUNK_BYTES = 1 << 20  # of a file
MAX_TEXT_BYTES = 64 << 10
# A message is a picture or a chunk with its head, or a text.
MAX_MESSAGE_BYTES = max(MAX_PICTURE_BYTES, MAX_CHUNK_BYTES) + 64
MAX_MESSAGES_PER_S = 120.0  # a camera sends 60, a file on a fast line as many as are taken
MAX_BURST_MESSAGES = 360.0
MAX_FILES_AT_ONCE = 2  # of all visitors; further ones wait for their turn
SEND_TIMEOUT_S = 8.0  # for one message; the pings that find a dead line wait behind it
MAX_RECORDED_ROWS = 200_000  # of a recording: two hours of one face at 28 frames/s, 300 MB
MAX_RECORDINGS = 8  # that are kept for a visitor


def describe_limits() -> Json:
    """Returns the limits that a page must keep to."""
    return {
        "max_picture_bytes": MAX_PICTURE_BYTES,
        "max_file_bytes": MAX_FILE_BYTES,
        "max_chunk_bytes": MAX_CHUNK_BYTES,
        "max_side_px": MAX_SIDE_PX,
        "max_visitors": MAX_VISITORS,
    }
