"""Opens what a plan reads in this process: a camera, a stream, a video or pictures.

The modules of each kind of source are imported when a plan asks for it.
"""

from collections.abc import Callable

from app.defaults import DEMO_CLIP
from app.runs.plan import CameraInput, DemoInput, PicturesInput, RunPlan, VideoInput
from app.sources.base import Source
from app.sources.video import VideoSource


def open_source(plan: RunPlan, say: Callable[[str], None]) -> Source:
    """Opens the source of a plan; the caller closes it.

    `say` shows a line to the user where a camera gives something else than was asked of it. Raises
    `SourceError`. A video that is fetched from an address is `app.batch.annotate`'s.
    """
    match plan.source:
        case PicturesInput(paths=paths):
            from app.sources.images import ImageSource

            return ImageSource(paths)
        case DemoInput():
            return VideoSource(DEMO_CLIP, selection=plan.selection)
        case VideoInput(path=path):
            return VideoSource(path, selection=plan.selection)
        case CameraInput(address=address) if address.is_stream:
            from app.sources.network_stream import StreamSource

            return StreamSource(address)
        case CameraInput(address=address, size_wh=size_wh, rate=rate):
            from app.sources.camera import CameraSource

            camera = CameraSource(address.target, size_wh=size_wh, rate=rate)
            if camera.mode_note is not None:
                say(camera.mode_note)
            return camera
