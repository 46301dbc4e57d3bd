"""Encodes bundles of Open Sound Control 1.0.

python-osc takes four to six times as long (`python -m tools.measure_live_outputs`) and is the judge
in the tests. The addresses of a receiver are the same in every frame, so each is encoded once here.
"""

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache

HEADER = b"#bundle\0"
IMMEDIATELY = struct.pack(">Q", 1)  # the time tag for "now"
UNIX_EPOCH_S = 2_208_988_800  # of time tags, which count from 1900
# More would be cut in parts by the network, and macOS sends no more than 9216.
MAX_BUNDLE_BYTES = 8192
MAX_ADDRESSES = 4096  # that are kept: 16 people with 80 values each take 1300

Values = Sequence[float]  # of one message: whole numbers become int32, others float32


def encode_message(address: str, values: Values) -> bytes:
    """Encodes a message.

    >>> encode_message("/found", (1,))
    b'/found\\x00\\x00,i\\x00\\x00\\x00\\x00\\x00\\x01'
    """
    kinds = "".join("i" if isinstance(value, int) else "f" for value in values)
    head, packer = _begin_message(address, kinds)
    return head + packer.pack(*values)


@lru_cache(maxsize=MAX_ADDRESSES)
def _begin_message(address: str, kinds: str) -> tuple[bytes, struct.Struct]:
    return _pad(address) + _pad(f",{kinds}"), struct.Struct(f">{kinds}")


def _pad(text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    return raw + b"\0" * (4 - len(raw) % 4)


def encode_time_tag(utc_s: float | None) -> bytes:
    """Encodes a time tag from seconds since 1970; None: immediately.

    >>> encode_time_tag(0.5).hex()
    '83aa7e8080000000'
    """
    if utc_s is None:
        return IMMEDIATELY
    whole = int(utc_s)
    return struct.pack(">II", whole + UNIX_EPOCH_S & 0xFFFFFFFF, int((utc_s - whole) * 2**32))


def encode_bundles(time_tag: bytes, messages: Iterable[tuple[str, Values]]) -> list[bytes]:
    """Encodes messages as one bundle, or as several where one would be too large to send.

    Args:
        time_tag: The time tag of each bundle.
        messages: An address and its values for each message, in order.
    """
    start = HEADER + time_tag
    bundles, parts, size = [], [start], len(start)
    for address, values in messages:
        message = encode_message(address, values)
        if size + 4 + len(message) > MAX_BUNDLE_BYTES and len(parts) > 1:
            bundles.append(b"".join(parts))
            parts, size = [start], len(start)
        parts += [len(message).to_bytes(4, "big"), message]
        size += 4 + len(message)
    bundles.append(b"".join(parts))
    return bundles
