"""Carries out a batch of videos on the machines of a cluster."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.batch.run_all import annotate_all
from app.batch.run_here import BatchListener, share_threads
from app.cluster.fleet import Fleet
from app.cluster.ray_engine import ClusterPlace, RayEngine, connect_ray, count_workers, require_ray
from app.cluster.shared_folders import list_result_folders, mark_folders, remove_left_marks
from app.cluster.total_progress import TotalProgress
from app.cluster.video_reader import ReaderSetting
from app.errors import ModelError
from app.files.hashing import sha256_of_file
from app.files.no_file import describe_no_file
from app.process.signals import catch_ctrl_c
from app.runs.plan import BatchPlan, OutputPaths, RunPlan


def annotate_on_cluster(batch: BatchPlan, place: ClusterPlace) -> int:
    """Carries out every plan of a batch on a cluster. Returns the exit code, as `annotate_all`.

    Raises `RecogniserError` for what concerns all of the videos.
    """
    require_ray()  # before anything is made
    remove_left_marks(list_result_folders(batch.runs))
    was_stopped = False

    def run_on_ray(
        plans: Sequence[RunPlan],
        *,
        workers: int,
        stop: Callable[[], bool],
        listener: BatchListener,
    ) -> None:
        nonlocal was_stopped
        whole = [make_absolute(plan) for plan in plans]
        recognition = whole[0].recognition
        digest = hash_model(recognition.model)
        with connect_ray(place) as ray, mark_folders(list_result_folders(whole)) as marks:
            count = count_workers(place, ray.cluster_resources(), len(plans))
            threads = share_threads(count) if place.address is None else place.cpus
            setting = ReaderSetting(recognition, digest, threads, marks)
            engine = RayEngine(ray, place, setting)
            with catch_ctrl_c() as is_asked:  # Ray's beginning has its own handlers
                Fleet(whole, engine, listener).run(count, lambda: stop() or is_asked())
                was_stopped = is_asked()

    with catch_ctrl_c() as stop:
        return annotate_all(
            batch,
            stop=lambda: stop() or was_stopped,
            elsewhere=run_on_ray,
            display=TotalProgress,
        )


def hash_model(model: Path) -> str:
    """Computes the digest by which workers know the model again. Raises `ModelError`."""
    if not model.is_file():  # a named pipe would never end
        raise ModelError(
            f"The model {model} {describe_no_file(model)}. Give an .onnx file with --model."
        )
    try:
        return sha256_of_file(model)
    except OSError as error:
        raise ModelError(
            f"The model {model} cannot be read: {error.strerror}. Give an .onnx file with --model."
        ) from error


def make_absolute(plan: RunPlan) -> RunPlan:
    """Names every file of a plan from the root on, because workers run in other folders."""
    outputs = plan.outputs
    video = plan.video
    return replace(
        plan,
        source=video if video.address else replace(video, path=video.path.absolute()),
        outputs=OutputPaths(
            outputs.video and outputs.video.absolute(),
            outputs.records and outputs.records.absolute(),
            tuple(path.absolute() for path in outputs.episodes),
            outputs.report and outputs.report.absolute(),
        ),
        recognition=replace(plan.recognition, model=plan.recognition.model.absolute()),
    )
