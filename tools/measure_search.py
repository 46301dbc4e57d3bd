"""What other thresholds, or another check of faces, would make of the same hints:

python -m tools.measure_search ferplus.npz [--check OTHER.onnx ...]

Faces of the validation split, one a frame, as `training.whole_path` pastes them, and pictures
without any, as `training.non_faces` makes them. Everything that a first look takes for a face, and
that some rule may take for one, gets all looks of `app.detection.search`, none of them cut short;
then each rule judges the same numbers. Several checks judge the same looks.
A face is found when what is left of one hint lies on it (`training.judge.path_reading.assign`).

With `--missed`, the shipped search looks for the faces, and only those that it does not find get
all looks: the table says at which step of the search they are lost.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from app.detection import search as shipped
from app.detection.face_check import FACE_CHECK, FaceCheck
from app.detection.networks import FIRST_MARGIN, NetworkLooks, list_glances
from app.errors import DataError
from app.types import Image
from training.base.cli import run_entry_point
from training.base.progress import track_progress
from training.datasets.pack import Pack
from training.datasets.pack_reader import read_pack
from training.judge.path_reading import assign_detections
from training.synthetic.detections import label_detection, list_face_rows
from training.synthetic.non_face_pictures import Clip, make_pictures
from training.synthetic.paste import Grounds, PlacedFace, Pose, arrange_faces, cut_face

SIZES_PX = (128.0, 400.0)  # as in the first row of `training.whole_path`


@dataclass(frozen=True, slots=True)
class Rule:
    """`app.detection.search`'s thresholds."""

    first_doubt: float = shipped.FIRST_DOUBT
    no_face: float = shipped.NO_FACE
    even_score: float = shipped.EVEN_SCORE
    per_log_odds: float = shipped.SCORE_PER_LOG_ODDS

    def accepts(self, hint: "Hint") -> bool:
        """As `app.detection.search.FaceSearch` does, which asks only for what it needs."""
        if hint.before < self.first_doubt or hint.share < self.no_face:
            return False
        return hint.score >= shipped.compute_needed_score(
            hint.before,
            hint.share,
            even_score=self.even_score,
            per_log_odds=self.per_log_odds,
        )


@dataclass(frozen=True, slots=True)
class SteppedRule:
    """The thresholds of an earlier search, which had steps where `Rule` has a line: a hint is a
    face from `surely_seen` where the face check is sure of it, from `well_seen` or, if the other
    network agrees, from `seen` where it is not."""

    first_doubt: float = 0.05
    no_face: float = 0.2
    sure_face: float = 0.9
    surely_seen: float = 0.35
    seen: float = 0.66
    well_seen: float = 0.75
    agreed: float = 0.4

    def accepts(self, hint: "Hint") -> bool:
        """As the search did."""
        if hint.before < self.first_doubt or hint.share < self.no_face:
            return False
        if (hint.before + hint.share) / 2 >= self.sure_face:
            return hint.score >= self.surely_seen
        agreed = hint.score >= self.well_seen or hint.full_score >= self.agreed
        return hint.score >= self.seen and agreed


@dataclass(frozen=True, slots=True)
class Hint:
    """What all looks say of a hint in picture `frame`: the check's `before` and `share` after the
    first and the second nearer look, the mean scores of the two networks' looks. `right`: it lies
    on the face; `wrong`: where no face is."""

    frame: int
    before: float
    share: float
    score: float
    full_score: float
    right: bool
    wrong: bool


RULES: dict[str, Rule | SteppedRule] = {
    "as shipped": Rule(),
    "0.60 at even odds": Rule(even_score=0.6),
    "0.63 at even odds": Rule(even_score=0.63),
    "0.70 at even odds": Rule(even_score=0.7),
    "0.60 at even odds, 0.07 a unit": Rule(even_score=0.6, per_log_odds=0.07),
    "0.70 at even odds, 0.07 a unit": Rule(even_score=0.7, per_log_odds=0.07),
    "the check may doubt more (0.02, 0.05)": Rule(first_doubt=0.02, no_face=0.05),
    "in steps, as before": SteppedRule(),
    "in steps, sure from 0.7": SteppedRule(sure_face=0.7),
    "in steps, sure from 0.8, seen from 0.5": SteppedRule(sure_face=0.8, seen=0.5, well_seen=0.6),
    "whatever the check does not rule out": Rule(0.03, 0.03, 0.0, 0.0),
}


# A hint below either of these with every check is refused by all rules.
LEAST_FIRST_DOUBT = min(rule.first_doubt for rule in RULES.values())
LEAST_NO_FACE = min(rule.no_face for rule in RULES.values())


def looked_at(
    looks: NetworkLooks,
    checks: Sequence[FaceCheck],
    image: Image,
    placed: Sequence[PlacedFace],
    frame: int,
) -> Iterator[tuple[Hint, ...]]:
    """Every hint of a whole search that two nearer looks confirm, as each check judges it. The
    scores are 0 where every rule refuses the hint, whatever they are."""
    height, width = image.shape[:2]
    for hint in looks.find_hints(image, list_glances(width, height, far_faces=False)):
        first = looks.look_again(image, hint, margin=FIRST_MARGIN, quick=False)
        face = None if first is None else looks.look_again(image, first, quick=False)
        if first is None or face is None:
            continue
        answers = [
            (check.estimate_probability(image, first), check.estimate_probability(image, face))
            for check in checks
        ]
        score = full_score = 0.0
        if any(b >= LEAST_FIRST_DOUBT and s >= LEAST_NO_FACE for b, s in answers):
            score = looks.measure_certainty(image, face, full_range=False, needed=0)
            full_score = looks.measure_certainty(image, face, full_range=True, needed=0)
        right = bool(assign_detections([face], placed))
        wrong = label_detection(face, placed) == "none"
        yield tuple(
            Hint(frame, before, share, score, full_score, right, wrong) for before, share in answers
        )


# The steps at which a face can be lost, the first one first.
NO_HINT = "no two nearer looks confirm a hint there"
RULED_OUT = "the face check rules it out"
UNSURE = "the face check is not sure, and the networks see it too badly"
BADLY_SEEN = "the face check is sure, and the networks hardly see it"
OTHER_PLACE = "a hint there would be taken, but another look takes its place"
STEPS = (NO_HINT, RULED_OUT, UNSURE, BADLY_SEEN, OTHER_PLACE)


def find_lost_step(rule: Rule, hints: Sequence[Hint]) -> str:
    """Finds the last step of the search that any hint on one face reaches; one of `STEPS`.

    Args:
        rule: The thresholds.
        hints: All hints of the face's frame.
    """
    reached = 0
    for hint in hints:
        if not hint.right:
            continue
        if rule.accepts(hint):
            step = OTHER_PLACE
        elif hint.before < rule.first_doubt or hint.share < rule.no_face:
            step = RULED_OUT
        elif (hint.before + hint.share) / 2 >= shipped.SURE_FACE:
            step = BADLY_SEEN
        else:
            step = UNSURE
        reached = max(reached, STEPS.index(step))
    return STEPS[reached]


def count_lost_steps(
    shown: Iterator[tuple[Image, tuple[PlacedFace, ...]]], check: FaceCheck, faces: int
) -> tuple[Counter[str], int]:
    """Counts at which step the shipped search loses faces, one face a frame.

    Returns:
        The faces lost at each of `STEPS`, and the detections in places without a face.
    """
    lost: Counter[str] = Counter()
    beside = 0
    with shipped.FaceSearch() as search, NetworkLooks() as looks:
        bar = track_progress(shown, total=faces, desc="faces", unit="", leave=False)
        for frame, (image, placed) in enumerate(bar):
            found = search.detect(image)
            beside += sum(label_detection(face, placed) == "none" for face in found)
            if not assign_detections(found, placed):
                hints = [seen for (seen,) in looked_at(looks, [check], image, placed, frame)]
                lost[find_lost_step(Rule(), hints)] += 1
    return lost, beside


def missed_table(lost: Counter[str], beside: int, faces: int) -> list[str]:
    found = faces - sum(lost.values())
    return [
        "| step | faces | share |",
        "|---|---|---|",
        *(
            f"| {name} | {count} | {100 * count / faces:.1f} % |"
            for name, count in [("found", found), *((step, lost[step]) for step in STEPS)]
        ),
        f"{faces} faces, {beside} detections where no face is.",
    ]


def face_frames(
    pack: Pack, count: int, generator: np.random.Generator
) -> Iterator[tuple[Image, tuple[PlacedFace, ...]]]:
    """One face each, upright as in its own picture."""
    grounds = Grounds(generator)
    for row in generator.permutation(list_face_rows(pack, "valid"))[:count].tolist():
        size_px = float(np.exp(generator.uniform(*np.log(SIZES_PX))))
        picture = pack.decode(row, "rgb")[::-1].transpose(1, 2, 0)
        face = cut_face(picture, pack.landmarks[row], Pose(size_px), generator)
        yield arrange_faces([face], grounds.draw(generator), generator)


@dataclass(frozen=True, slots=True)
class Row:
    """What a rule makes of the hints: `found` of `faces`; places without a face that it takes for
    one, beside faces and in `empty` pictures without any."""

    name: str
    found: int
    faces: int
    beside: int
    wrong: int
    empty: int


def judged(
    name: str, rule: Rule | SteppedRule, hints: Sequence[Hint], faces: int, empty: int
) -> Row:
    """Pictures 0 to `faces` - 1 show a face, the rest none."""
    taken = [hint for hint in hints if rule.accepts(hint)]
    return Row(
        name=name,
        found=len({hint.frame for hint in taken if hint.right}),
        faces=faces,
        beside=len({hint.frame for hint in taken if hint.wrong and hint.frame < faces}),
        wrong=len({hint.frame for hint in taken if hint.frame >= faces}),
        empty=empty,
    )


def table(rows: Sequence[Row]) -> list[str]:
    return [
        "| rule | faces | found | frames with a false face beside it | pictures without a face "
        "| taken to show one |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.name} | {row.faces} | {100 * row.found / row.faces:.1f} % | {row.beside} "
            f"| {row.empty} | {row.wrong} |"
            for row in rows
        ),
    ]


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m tools.measure_search",
        description="What other thresholds, or another check of faces, would find, and take for "
        "faces. The test split stays closed.",
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument(
        "--check",
        type=Path,
        nargs="+",
        default=[FACE_CHECK],
        metavar="FILE.onnx",
        help="checks of faces, a table for each (default: the one that is shipped)",
    )
    top.add_argument(
        "--media",
        type=Clip.parse,
        nargs="+",
        default=[],
        metavar="CLIP[@SECONDS]",
        help="videos without a face, or without one from that second on, to show as well",
    )
    top.add_argument("--faces", type=int, default=400, metavar="N", help="faces (default: 400)")
    top.add_argument(
        "--empty", type=int, default=800, metavar="N", help="pictures without (default: 800)"
    )
    top.add_argument("--seed", type=int, default=0, metavar="N", help="what is made (default: 0)")
    top.add_argument(
        "--missed",
        action="store_true",
        help="say at which step of the search faces are lost, instead; no pictures without a face",
    )
    return top


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if options.faces < 1 or options.empty < 1:
        raise DataError("--faces and --empty must be at least 1.")
    pack = read_pack(options.data)
    faces = min(options.faces, len(list_face_rows(pack, "valid")))
    generator = np.random.default_rng(options.seed)
    checks = [FaceCheck(path) for path in options.check]
    if options.missed:
        lost, beside = count_lost_steps(face_frames(pack, faces, generator), checks[0], faces)
        for line in missed_table(lost, beside, faces):
            print(line)
        return 0
    rows = generator.permutation(pack.find_rows("valid"))[:500].tolist()
    strange = make_pictures(
        generator,
        options.empty,
        faces=[pack.decode(row, "rgb")[::-1].transpose(1, 2, 0) for row in rows],
        frames=[frame for clip in options.media for frame in clip.read_frames()],
    )
    shown = chain(face_frames(pack, faces, generator), ((picture, ()) for _, picture in strange))
    total = faces + options.empty
    hints: list[tuple[Hint, ...]] = []
    with NetworkLooks() as looks:
        bar = track_progress(shown, total=total, desc="pictures", unit="", leave=False)
        for frame, (image, placed) in enumerate(bar):
            hints += looked_at(looks, checks, image, placed, frame)
    for number, path in enumerate(options.check):
        if len(checks) > 1:
            print(f"{path}:")
        of_check = [one[number] for one in hints]
        rows_of_table = [
            judged(name, rule, of_check, faces, options.empty) for name, rule in RULES.items()
        ]
        for line in table(rows_of_table):
            print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
