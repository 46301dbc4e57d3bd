"""Reads many videos on the machines of a Ray cluster, or in workers of Ray on this machine.

python -m app.cluster talks/ --records out --resume
python -m app.cluster /data/talks --records /data/out --address head:6379
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from app.cli.option_types import parse_gpu_share, parse_named_video, parse_positive, parse_rate
from app.cli.options import add_usual_options
from app.cli.video_options import (
    add_part_options,
    add_recognition_options,
    add_result_options,
    find_result_conflict,
)
from app.cluster.cluster_address import parse_cluster_address
from app.process.console import new_parser, run_command
from app.process.native_stderr import redirect_native_stderr

OWN = frozenset({"address", "workers", "worker_cpus", "worker_gpus"})  # options of this command


def parser() -> argparse.ArgumentParser:
    top = new_parser(
        "python -m app.cluster",
        "Reads videos on all machines of a Ray cluster, each with results of its own, as\n"
        "run_demo.py --video does with --jobs on one. All machines must see inputs and results\n"
        "under the same names. Without --address, the workers run on this machine.",
        "examples:\n"
        "  python -m app.cluster talks/ --records out --resume\n"
        "  python -m app.cluster /data/talks --records /data/out --address head:6379",
    )
    top.add_argument(
        "video",
        type=parse_named_video,
        nargs="+",
        metavar="FILE|DIR|PATTERN|URL",
        help="videos, folders, patterns such as 'a/**/*.mp4', and addresses",
    )
    where = top.add_argument_group("cluster")
    where.add_argument(
        "--address",
        type=parse_cluster_address,
        metavar="HOST:PORT",
        help="the head of a running cluster, such as head:6379",
    )
    where.add_argument(
        "--workers",
        type=parse_positive,
        metavar="N",
        help="so many videos at once (default: as many as there is room for)",
    )
    where.add_argument(
        "--worker-cpus", type=parse_positive, default=1, metavar="N", help="CPUs for each (1)"
    )
    where.add_argument(
        "--worker-gpus",
        type=parse_gpu_share,
        metavar="F",
        help="GPUs for each, such as 0.5 (default: 1 with --device cuda, else 0)",
    )
    add_part_options(top, with_window=False)
    top.add_argument("--fps", type=parse_rate, metavar="N", help="how many frames/s are read")
    add_result_options(top, with_window=False)
    add_recognition_options(top)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    command = parser()
    found = command.parse_args(argv)
    if found.records == Path("-"):
        command.error(
            "--records - is for one video of run_demo.py: name a folder, or a suffix such as .csv"
        )
    if (
        conflict := find_result_conflict(found) or _find_conflict(found.device, found.worker_gpus)
    ) is not None:
        command.error(conflict)

    def obey() -> int:
        from app.cli.run_videos import plan_videos  # loads the networks' libraries
        from app.cluster.ray_engine import ClusterPlace
        from app.cluster.run_cluster import annotate_on_cluster

        gpus = found.worker_gpus
        if gpus is None:
            gpus = 1.0 if found.device == "cuda" else 0.0
        place = ClusterPlace(found.address, found.workers, found.worker_cpus, gpus)
        batch = plan_videos(add_usual_options(found, without=OWN))
        return annotate_on_cluster(batch, place) if batch.runs else 0

    with redirect_native_stderr():
        return run_command(obey)


def _find_conflict(device: str, worker_gpus: float | None) -> str | None:
    """Returns a line on a device and GPUs that do not go together; None if they do."""
    if device == "cuda" and worker_gpus == 0:
        return "--device cuda needs a GPU, and --worker-gpus 0 gives none: leave one of them out"
    if device == "cpu" and worker_gpus:
        return "--worker-gpus would take GPUs that --device cpu does not use: leave one of them out"
    return None


if __name__ == "__main__":
    raise SystemExit(main())
