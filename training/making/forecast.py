"""Says what a plan will do, and about how long each step takes here."""

from training.base.device import ComputeDevice
from training.checkpoints.checkpoint import load_trained
from training.config.recipes import WeightMean
from training.datasets.pack import Pack
from training.making.plan import Plan
from training.run.rehearsal import measured


def minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def said(plan: Plan, pack: Pack, machine: ComputeDevice) -> str:
    """What will be done and about how long it takes here, from a few steps of each network."""
    faces, key = len(pack.rows("train")), pack.meta.key
    total_s, lines = 0.0, []
    asked_s: dict[str, float] = {}  # one batch shown to a step's network
    for name in plan.needed():
        step = plan.recipe.steps[name]
        if name in plan.given:
            asked_s[name] = measured(load_trained(plan.given[name]).config, pack, machine).ask_s
            lines.append(f"  {name:<12} {plan.given[name]}")
            continue
        done = plan.accuracy(name, key)
        if isinstance(step, WeightMean):
            asked_s[name] = asked_s[step.steps[0]]
            about = "minutes" if done is None else f"finished, {100 * done:.2f} %"
            lines.append(f"  {name:<12} mean of {', '.join(step.steps)}: {about}")
            continue
        config = plan.config(step)
        cost = measured(config, pack, machine)
        asked_s[name] = cost.ask_s
        live = config.teach.teacher_view == "live"
        ask_s = sum(asked_s[teacher] for teacher in step.teachers) if live else 0.0
        took_s = cost.run_s(config, faces, ask_s) if done is None else 0.0
        total_s += took_s
        about = minutes(took_s) if done is None else f"finished, {100 * done:.2f} %"
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
            f"  about {minutes(total_s)} in all, if nothing else runs here",
        ]
    )
