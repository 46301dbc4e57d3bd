"""Makes the page with the public names of the library, from their docstrings."""

from pathlib import Path

from tools.site.gather_pages import write_page

# The names of `app.__all__` by the question that they answer.
GROUPS = {
    "The recogniser": ("Recogniser",),
    "Results": ("FrameResult", "TrackedFace", "Face", "Frame", "Silence", "Image", "UNSURE"),
    "Sources": (
        *("VideoSource", "Selection", "RealtimeVideo", "CameraSource", "StreamSource"),
        "CameraAddress",
    ),
    "Drawing": ("Overlay",),
    "Outputs": (
        *("Sink", "writing", "VideoSink", "RecordsSink", "EpisodesSink", "EventsSink", "OscSink"),
        *("LslSink", "VirtualCameraSink"),
    ),
    "Reading records, making events": ("RecordsReader", "make_event", "encode_event"),
    "Errors": (
        "RecogniserError",
        "SourceError",
        "SinkError",
        "ModelError",
        "ProfileError",
        "DataError",
        "DeviceError",
    ),
}
FUNCTIONS = ("writing", "make_event", "encode_event")
VALUES = {
    "Image": "A picture: a NumPy array uint8 `(H, W, 3)` in OpenCV's order of colours, BGR.",
    "UNSURE": "The label of a face for which the model is in doubt: `unsure`.",
}
HEAD = """# All names of the library

`from app import NAME` gives these names, and `from expression_recogniser import NAME` with
[the wheel](../packaging.md). [The library](../library.md) shows how they work together.
"""


def describe_name(name: str) -> str:
    """Makes the entry of a name, in reStructuredText."""
    if name in VALUES:
        sentence = VALUES[name].replace("`", "``")
        return f".. py:data:: app.{name}\n\n   {sentence}\n"
    if name in FUNCTIONS:
        return f".. autofunction:: app.{name}\n"
    lines = [f".. autoclass:: app.{name}", "   :members:"]
    if name.endswith("Error"):
        lines.append("   :show-inheritance:")
    return "\n".join(lines) + "\n"


def write_library_page(path: Path) -> None:
    """Writes the page."""
    parts = [HEAD]
    for heading, names in GROUPS.items():
        entries = "\n".join(describe_name(name) for name in names)
        parts.append(f"## {heading}\n\n```{{eval-rst}}\n{entries}```\n")
    write_page(path, "\n".join(parts))
