"""Describes what a plan will do, and estimates how long each step takes here."""

from training.base.device import ComputeDevice
from training.checkpoints.checkpoint import load_trained
from training.config.recipes import WeightMean
from training.datasets.pack import Pack
from training.making.plan import Plan
from training.run.rehearsal import measure_cost


def format_duration(seconds: float) -> str:
    """Formats seconds in a unit that suits them.

    >>> format_duration(80), format_duration(600), format_duration(9000)
    ('80 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def describe_plan(plan: Plan, pack: Pack, machine: ComputeDevice) -> str:
    """Describes the steps of a plan and about how long they take here, measured by a few steps of
    each network."""
    faces, key = len(pack.find_rows("train")), pack.meta.key
    total_s, lines = 0.0, []
    teacher_s: dict[str, float] = {}  # one batch shown to a step's network
    for name in plan.list_needed():
        step = plan.recipe.steps[name]
        if name in plan.given:
            teacher_s[name] = measure_cost(
                load_trained(plan.given[name]).config, pack, machine
            ).teacher_batch_s
            lines.append(f"  {name:<12} {plan.given[name]}")
            continue
        done = plan.read_accuracy(name, key)
        if isinstance(step, WeightMean):
            teacher_s[name] = teacher_s[step.steps[0]]
            about = "minutes" if done is None else f"finished, {100 * done:.2f} %"
            lines.append(f"  {name:<12} mean of {', '.join(step.steps)}: {about}")
            continue
        config = plan.make_config(step)
        cost = measure_cost(config, pack, machine)
        teacher_s[name] = cost.teacher_batch_s
        live = config.teach.teacher_view == "live"
        teachers_s = sum(teacher_s[teacher] for teacher in step.teachers) if live else 0.0
        took_s = cost.estimate_run_s(config, faces, teachers_s) if done is None else 0.0
        total_s += took_s
        about = format_duration(took_s) if done is None else f"finished, {100 * done:.2f} %"
        begins = f", from {step.begins_with}" if step.begins_with else ""
        taught = f", taught by {', '.join(step.teachers)}" if step.teachers else ""
        lines.append(
            f"  {name:<12} {cost.parameters / 1e6:5.2f} M parameters, {config.train.size_px} px, "
            f"{config.train.epochs} epochs{begins}{taught}: {about}"
        )
    where = f"{machine.device.type}, {'bf16' if machine.autocast else 'fp32'}"
    return "\n".join(
        [
            f"Plan, {faces} training pictures, {where}:",
            *lines,
            f"  about {format_duration(total_s)} in all, if nothing else runs here",
        ]
    )
