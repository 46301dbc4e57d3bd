"""Checks the plan of a single run, and completes it, before anything is loaded."""

import argparse
from dataclasses import replace

from app.cli.make_plan import plan_encoding
from app.live.window import check_display
from app.process.console import say
from app.runs.check_plan import check_plan
from app.runs.plan import RunPlan


def prepare_plan(options: argparse.Namespace, plan: RunPlan) -> RunPlan:
    """Checks a plan before anything is loaded, and chooses its encoding. Raises
    `RecogniserError`."""
    check_plan(plan)
    encoding = plan_encoding(options, plan.outputs)
    if encoding is not None:
        say(f"Encoding with {encoding.encoder.name}.")
    if plan.in_window:
        check_display()
    return replace(plan, encoding=encoding)
