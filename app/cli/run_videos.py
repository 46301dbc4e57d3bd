"""Carries out a batch: any number of videos to files, in this process or in several."""

import argparse
from dataclasses import replace

from app.batch.run_all import annotate_all
from app.cli.make_plan import plan_batch, plan_encoding
from app.process.console import DONE, say
from app.process.signals import catch_ctrl_c
from app.runs.plan import BatchPlan
from app.wording import format_count


def run_videos(options: argparse.Namespace) -> int:
    """Plans all videos that are named and annotates them. Returns the exit code.

    Raises `RecogniserError` for what concerns all of them.
    """
    batch = plan_videos(options)
    if not batch.runs:
        return DONE
    with catch_ctrl_c() as stop:
        return annotate_all(batch, stop=stop)


def plan_videos(options: argparse.Namespace) -> BatchPlan:
    """Plans all videos that are named, or the share of them that is asked for, and chooses their
    encoding. Lines to the user say what was chosen. Raises `RecogniserError`."""
    batch = plan_batch(options)
    if not batch.runs:
        say(f"Share {options.shard} holds no video. Nothing is to be done.")
        return batch
    if options.shard is not None:
        say(f"Share {options.shard}: {format_count(len(batch.runs), 'video')}.")
    encoding = plan_encoding(options, batch.runs[0].outputs)  # all outputs are of one kind
    if encoding is not None:
        say(f"Encoding with {encoding.encoder.name}.")
    return replace(batch, runs=tuple(replace(plan, encoding=encoding) for plan in batch.runs))
