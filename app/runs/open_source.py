"""Opens what a plan reads in this process: a camera, a stream, a video or pictures.

The modules of each kind of source are imported when a plan asks for it.
"""

from collections.abc import Callable
from pathlib import Path

from app.defaults import DEMO_CLIP
from app.runs.plan import CameraInput, DemoInput, PicturesInput, RunPlan, VideoInput
from app.sources.base import Source
from app.sources.video import VideoSource


def open_source(plan: RunPlan, say: Callable[[str], None]) -> Source:
    """Opens the source of a plan; the caller closes it. A video that is to be read at its own pace
    becomes a live source.

    `say` shows a line to the user where a camera gives something else than was asked of it. Raises
    `SourceError`. A video that is fetched from an address is `app.batch.annotate`'s.
    """
    match plan.source:
        case PicturesInput(paths=paths):
            from app.sources.images import ImageSource

            return ImageSource(paths)
        case DemoInput():
            return _open_video(plan, DEMO_CLIP)
        case VideoInput(path=path):
            return _open_video(plan, path)
        case CameraInput(address=address) if address.is_stream:
            from app.sources.network_stream import StreamSource

            return StreamSource(address)
        case CameraInput(address=address, size_wh=size_wh, rate=rate):
            from app.sources.camera import CameraSource

            camera = CameraSource(address.target, size_wh=size_wh, rate=rate)
            if camera.mode_note is not None:
                say(camera.mode_note)
            return camera


def _open_video(plan: RunPlan, path: Path) -> Source:
    video = VideoSource(path, selection=plan.selection)
    if not plan.is_realtime:
        return video
    from app.sources.realtime_video import RealtimeVideo

    return RealtimeVideo(video)
