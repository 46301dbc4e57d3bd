"""A shipped model from the data to the file, in one command:

python -m training.make default ferplus.npz -o models/dacl.onnx

Trains the recipe's teachers (training.recipes), then the students that learn from them, exports the
one that is best on validation with its contract, and writes its report. What is finished is not
done again: the same command goes on where it was stopped. The test split stays closed.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from app.types import TrainingError
from training.checkpoint import RunConfig, TeachConfig, TeacherView, facts_of, load_trained
from training.cli import run
from training.compact import compact_of, write_compact
from training.evaluate import evaluate, summary, write_report
from training.export import export, licence_of
from training.half import Storage
from training.machine import Machine
from training.pack import Pack, read_pack
from training.ranks import ALONE
from training.recipes import RECIPES, Recipe
from training.rehearsal import measured, shortened, shrunk
from training.run_folder import FACTS, LAST, RunFolder, write_text
from training.teach import file_digest
from training.train import Job, add_machine_options, carry_out

BEST, RESULT, MADE, REPORT = "best.pt", "result.json", "made.json", "report"


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of the plan. `teachers` are asked by students alone, and `init`, one of them, is what
    a student begins with."""

    name: str
    config: RunConfig
    folder: Path
    teachers: tuple[Path, ...] = ()
    init: Path | None = None

    @property
    def best(self) -> Path:
        return self.folder / BEST

    def accuracy(self, key: str) -> float | None:
        """Of the finished run on validation; None while there is none of this recipe and data."""
        try:
            facts = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))
            same = facts["data"] == key and RunConfig.from_dict(facts["config"]) == self.config
            if self.init is not None:
                same = same and facts.get("init") == file_digest(self.init)
            return float(facts["accuracy"]) if same and self.best.exists() else None
        except (OSError, ValueError, KeyError, TypeError, TrainingError):
            return None

    def carry_out(self, pack: Pack, machine: Machine) -> float:
        """To its end, from where it stopped. Raises `TrainingError` where the folder holds another
        run."""
        key = pack.meta.key
        done = self.accuracy(key)
        if done is not None:
            return done
        going = any((self.folder / name).exists() for name in (LAST, FACTS))
        with RunFolder(self.folder, resume=going) as held:
            state = held.state
            begun = held.begun if state is None else RunConfig.from_dict(state["config"])
            others = begun.differences(self.config) if begun is not None else []
            if state is not None and facts_of(state).key != key:
                others.append("other data")
            if others:
                raise TrainingError(
                    f"{self.folder} holds another run ({'; '.join(others)}). Choose another --runs."
                )
            job = Job(
                config=self.config,
                pack=pack,
                output=self.folder,
                machine=machine,
                teachers=self.teachers,
                state=state,
                init=self.init,
            )
            accuracy = carry_out(job, ALONE, held)
        facts = {"config": asdict(self.config), "data": key, "accuracy": accuracy}
        if self.init is not None:
            facts["init"] = file_digest(self.init)
        write_text(self.folder / RESULT, json.dumps(facts, indent=1) + "\n")
        return accuracy


def teacher_stages(recipe: Recipe, runs: Path, scale: float) -> list[Stage]:
    return [
        Stage(f"teacher {name}", shortened(config, scale), runs / f"teacher-{name}")
        for name, config in recipe.teachers.items()
    ]


def student_stages(
    name: str, recipe: Recipe, runs: Path, scale: float, teachers: tuple[Path, ...], view: str
) -> list[Stage]:
    """Students of these teachers, whose digests are known as far as they are there; without any,
    students that learn from the votes alone, from random weights. Given other teachers than the
    recipe's, what begins with one of them begins with the first."""
    init = None
    if recipe.begins_with is not None and teachers:
        names = list(recipe.teachers)
        own = [stage.best for stage in teacher_stages(recipe, runs, scale)] == list(teachers)
        init = teachers[names.index(recipe.begins_with) if own else 0]
    stages = []
    for seed, config in recipe.students().items():
        teach = TeachConfig()
        if teachers:
            digests = tuple(file_digest(file) for file in teachers if file.exists())
            asked: TeacherView = "live" if view == "live" else "cached"
            teach = replace(config.teach, teachers=digests, teacher_view=asked)
        stages.append(
            Stage(
                f"student {seed}",
                shortened(replace(config, teach=teach), scale),
                runs / f"{name}-{seed}{'' if teachers else '-alone'}",
                teachers,
                init,
            )
        )
    return stages


def minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def plan(
    pack: Pack,
    machine: Machine,
    teachers: Sequence[Stage],
    students: Sequence[Stage],
    given: Sequence[Path],
    view: str,
) -> str:
    """What will be done and about how long it takes here, from a few steps of each network."""
    faces, key = len(pack.rows("train")), pack.meta.key
    asked = [measured(load_trained(file).config, pack, machine).ask_s for file in given]
    total_s, lines = 0.0, []
    for stage in (*teachers, *students):
        cost = measured(stage.config, pack, machine)
        done = stage.accuracy(key)
        live_s = sum(asked) if view == "live" and stage in students else 0.0
        took_s = cost.run_s(stage.config, faces, live_s) if done is None else 0.0
        said = minutes(took_s) if done is None else f"finished, {100 * done:.2f} %"
        train, millions = stage.config.train, cost.parameters / 1e6
        lines.append(
            f"  {stage.name:<16} {millions:5.2f} M parameters, {train.size_px} px, "
            f"{train.epochs} epochs: {said}"
        )
        total_s += took_s
        if stage in teachers:
            asked.append(cost.ask_s)
    where = f"{machine.device.type}, {'bf16' if machine.autocast else 'fp32'}"
    taught = f"; teachers given: {', '.join(map(str, given))}" if given else ""
    return "\n".join(
        [
            f"Plan, {faces} training pictures, {where}{taught}:",
            *lines,
            f"  about {minutes(total_s)} in all, if nothing else runs here",
        ]
    )


def digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def made(record: Path) -> dict[str, Any]:
    """What this folder's runs have been exported to, as far as that is known."""
    try:
        return dict(json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m training.make",
        description="Make a shipped model from the prepared data: train its teachers, distil the "
        "student, choose on validation, export, report. The same command goes on where it was "
        "stopped.",
    )
    top.add_argument("model", choices=sorted(RECIPES), help="which recipe of training.recipes")
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL.onnx", help="the file to write"
    )
    top.add_argument(
        "--runs",
        type=Path,
        default=Path("runs/make"),
        metavar="FOLDER",
        help="where the runs go; models share their teachers there (default: runs/make)",
    )
    top.add_argument(
        "--scale",
        type=float,
        default=1.0,
        metavar="X",
        help="of epochs and of data, in 0..1: 0.01 rehearses the whole in minutes (default: 1)",
    )
    top.add_argument(
        "--teachers",
        nargs="+",
        default=["recipe"],
        metavar="WHICH",
        help="recipe (default): train the recipe's; none: the student learns from the votes alone; "
        "or checkpoints that are there (.pt), instead of the recipe's",
    )
    top.add_argument(
        "--teacher-view",
        choices=["recipe", "cached", "live"],
        default="recipe",
        help="what the teachers see; cached suits a CPU, live a GPU (default: the recipe's)",
    )
    top.add_argument("--plan", action="store_true", help="print plan and cost, and do nothing")
    top.add_argument("--overwrite", action="store_true", help="replace a model made elsewhere")
    add_machine_options(top)
    return top


def checked(options: argparse.Namespace, record: Path) -> tuple[Path, ...]:
    """The teachers that were given. Raises `TrainingError` for what cannot be, before anything is
    done."""
    output: Path = options.output
    if output.suffix != ".onnx":
        raise TrainingError(f"{output}: the output must end in .onnx.")
    if not output.parent.is_dir():
        raise TrainingError(f"{output.parent} is not a folder. Make it first.")
    if not 0 < options.scale <= 1:
        raise TrainingError("--scale must be above 0 and at most 1.")
    ours = made(record).get("model")
    if not options.overwrite and output.exists() and digest(output) != ours:
        raise TrainingError(
            f"{output} is there already and not of these runs. Choose another -o, or --overwrite."
        )
    if options.teachers in (["recipe"], ["none"]):
        return ()
    files = tuple(map(Path, options.teachers))
    for file in files:
        file_digest(file)
    return files


def finish(
    name: str,
    stage: Stage,
    pack: Pack,
    output: Path,
    record: Path,
    report_folder: Path,
    weights: Storage,
) -> list[str]:
    """Exports the chosen student and reports on it, as far as that is not done. Returns a line for
    what was left out."""
    checkpoint = file_digest(stage.best)
    known = made(record)
    made_as = (known.get("checkpoint"), known.get("model"), known.get("weights"))
    if made_as != (checkpoint, digest(output), weights):
        export(pack, stage.best, output, licence_of(pack.meta.dataset), weights=weights)
        write_compact(stage.best, compact_of(output))
        facts = {
            "checkpoint": checkpoint,
            "model": digest(output),
            "weights": weights,
            "run": stage.folder.name,
        }
        write_text(record, json.dumps(facts, indent=1) + "\n")
    report = evaluate(pack, output, "valid")
    left_out = write_report(report, report_folder)
    print(f"{output} ({name}, {stage.name}), {output.stat().st_size / 1e6:.1f} MB")
    print(f"validation, majority protocol, {summary(report.majority)}")
    print(f"Report: {report_folder / 'report.md'}")
    return left_out


def make(options: argparse.Namespace) -> int:
    name, scale = options.model, options.scale
    recipe = RECIPES[name]
    runs = options.runs if scale == 1 else options.runs / f"scale-{scale:g}"
    record = runs / f"{name}-{MADE}"
    given = checked(options, record)
    machine = Machine.choose(options.device, options.precision, compile_net=False)
    pack = read_pack(options.data)
    if scale < 1:
        pack = shrunk(pack, scale)
    alone = options.teachers == ["none"]
    view = options.teacher_view
    if view == "recipe":
        view = recipe.student.teach.teacher_view
    teachers = [] if alone or given else teacher_stages(recipe, runs, scale)
    files = given or tuple(stage.best for stage in teachers)

    def students() -> list[Stage]:
        return student_stages(name, recipe, runs, scale, files, view)

    print(plan(pack, machine, teachers, students(), given, view), flush=True)
    if options.plan:
        return 0
    for stage in teachers:
        accuracy = stage.carry_out(pack, machine)
        print(f"{stage.name}: {100 * accuracy:.2f} % on validation", flush=True)
    candidates = students()  # now that their teachers are there
    scores = []
    for stage in candidates:
        scores.append(stage.carry_out(pack, machine))
        print(f"{stage.name}: {100 * scores[-1]:.2f} % on validation", flush=True)
    chosen = candidates[scores.index(max(scores))]
    folder = runs / f"{name}-{REPORT}"
    left_out = finish(name, chosen, pack, options.output, record, folder, recipe.weights)
    for line in left_out:
        print(line)
    return 1 if left_out else 0


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        return make(options)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on.", file=sys.stderr)
        return 130
    except torch.OutOfMemoryError as cause:
        raise TrainingError(
            "The device's memory is too small for this. Close what else uses it, or use --device "
            "cpu."
        ) from cause


if __name__ == "__main__":
    raise SystemExit(run(main))
