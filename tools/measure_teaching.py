"""What teaching gives and costs, on made people and on real clips:

python -m tools.measure_teaching ferplus.npz [--clips FOLDER]

The people are made of the embeddings of validation faces with a plain winner (`tools.made_people`);
each has a lesson of five seconds an expression, and is read on other faces. Accuracy weighs the
expressions as often as they occur in the data, recall alike. The last tables tell how well a
stranger's resting face is told from a changed picture of the taught one, and what teaching costs.
FOLDER holds crying_to_laughing.mp4, of which every second second teaches, and the others are read.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app import Recogniser, VideoSource
from app.errors import DataError
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.teaching.head import SECOND_WEIGHT, normalise_logs, standardise_embeddings
from app.teaching.learning import TaughtSeconds, Verdict, learn_head
from app.teaching.lesson import check_model_teaches
from app.teaching.resting_sketch import (
    MAX_SKETCH_DISTANCE,
    make_sketch,
    measure_sketch_distance,
)
from app.types import Image
from tools.made_people import GROUPS, Array, Faces, PeopleMaker
from training.base.cli import run_entry_point
from training.base.option_types import parse_count, parse_seed
from training.datasets.pack_reader import read_pack
from training.judge.predictions import iterate_batches, load_judged_examples, make_uint8_crops

WEIGHTS = (0.025, 0.05, 0.1, 0.2, 0.4)  # of a second, that are compared
CLIP = "crying_to_laughing.mp4"
CLIP_PARTS = {"sadness": (0.0, 6.0), "happiness": (10.0, 20.0)}  # seconds of the clip
SKETCHED = 500  # resting faces
MAX_LOSS = 2.0  # points that one person may lose before being counted
READINGS = 300  # over which times are measured


def measure_person(
    maker: PeopleMaker, taught: Faces, tested: Faces, classifier: Classifier, weight: float
) -> tuple[Array, Array]:
    """Recall of each class `(K,)` before and after a lesson."""
    logs = normalise_logs(maker.read(taught.features))
    seconds = TaughtSeconds(taught.features, logs, taught.classes, taught.rounds)
    head = learn_head(
        seconds, classifier.contract, classifier.prior_correction, second_weight=weight
    ).head
    plain = maker.read(tested.features)
    moved = plain if head is None else plain + head.compute_shifts(tested.features)
    k = plain.shape[1]
    hits = [rows.argmax(axis=1) == tested.classes for rows in (plain, moved)]
    before, after = (
        np.array([hit[tested.classes == one].mean() for one in range(k)]) for hit in hits
    )
    return before, after


def measure_groups(
    make: Callable[[], PeopleMaker], classifier: Classifier, people: int, weight: float
) -> None:
    maker = make()
    print(
        f"\nA second weighs {weight:g}; {people} people a group\n\n"
        "| people with | accuracy, % | with their profile | recall, % | with their profile | "
        f"people who lose more than {MAX_LOSS:g} points of accuracy |\n|---|---|---|---|---|---|"
    )
    for group in GROUPS:
        before, after = [], []
        for _ in range(people):
            one, other = measure_person(maker, *maker.make_person(group), classifier, weight)
            before.append(one)
            after.append(other)
        first, then = 100 * np.array(before), 100 * np.array(after)
        accuracy = np.stack([first, then]) @ maker.frequencies  # (2, people)
        lose = (accuracy[1] - accuracy[0] < -MAX_LOSS).mean()
        error = np.std(accuracy[1] - accuracy[0]) / np.sqrt(people)
        print(
            f"| {group.name} | {accuracy[0].mean():.1f} | {accuracy[1].mean():.1f} "
            f"({(accuracy[1] - accuracy[0]).mean():+.1f} ± {error:.1f}) | {first.mean():.1f} | "
            f"{then.mean():.1f} ({(then - first).mean():+.1f}) | {100 * lose:.0f} % |",
            flush=True,
        )


def measure_refusals(maker: PeopleMaker, classifier: Classifier, people: int) -> None:
    """Counts how often the lesson says that an expression reads as another one."""
    group = next(one for one in GROUPS if one.wrong)
    refused: dict[bool, list[bool]] = {True: [], False: []}
    for _ in range(people):
        taught, _ = maker.make_person(group)
        logs = normalise_logs(maker.read(taught.features))
        seconds = TaughtSeconds(taught.features, logs, taught.classes, taught.rounds)
        found = learn_head(seconds, classifier.contract, classifier.prior_correction)
        for one, expression in enumerate(found.expressions[1:], 1):
            refused[one in taught.wrong].append(expression.verdict is Verdict.READS_AS_OTHER)
    print(
        f"\nOf expressions that were shown wrongly, {100 * np.mean(refused[True]):.0f} % are not "
        f"learned because they read as another one; of the others, "
        f"{100 * np.mean(refused[False]):.0f} %"
    )


def change_picture(crop: Image) -> Image:
    """The same face as another lamp and another hold of the head might show it."""
    size = crop.shape[1]
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), 6, 1.04)
    turn[:, 2] += (2, 1)
    moved = cv2.warpAffine(
        crop[:, ::-1].copy(), turn, (size, size), borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(0.7 * cv2.GaussianBlur(moved, (0, 0), 1.0), np.uint8)


def measure_strangers(classifier: Classifier, crops: NDArray[np.uint8], seed: int) -> None:
    facts = classifier.contract.embedding
    assert facts is not None

    def sketch(pictures: NDArray[np.uint8]) -> list[Array]:
        found = [
            classifier.predict_with_embeddings(pictures[at : at + 64])[2]
            for at in range(0, len(pictures), 64)
        ]
        features = standardise_embeddings(np.concatenate(found), facts)
        return [make_sketch(one) for one in features]

    plain = sketch(crops)
    changed = sketch(np.stack([change_picture(crop) for crop in crops]))
    order = np.random.default_rng(seed).permutation(len(plain))
    same = np.array([measure_sketch_distance(*pair) for pair in zip(plain, changed, strict=True)])
    other = np.array(
        [
            measure_sketch_distance(plain[a], plain[b])
            for a, b in zip(order, np.roll(order, 1), strict=True)
        ]
    )
    print(
        f"\n{len(plain)} resting faces; distance of sketches of the same face, mirrored, turned, "
        f"darkened and blurred: median {np.median(same):.2f}, 99 of 100 below "
        f"{np.quantile(same, 0.99):.2f}; of two people: median {np.median(other):.2f}\n\n"
        "| limit | the same face is refused | a stranger is noticed |\n|---|---|---|"
    )
    for limit in (0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        mark = "**" if limit == MAX_SKETCH_DISTANCE else ""
        print(
            f"| {mark}{limit:g}{mark} | {100 * (same > limit).mean():.1f} % | "
            f"{100 * (other > limit).mean():.0f} % |"
        )


def measure_clip(classifier: Classifier, clip: Path) -> None:
    facts = classifier.contract.embedding
    assert facts is not None
    times, rows, embeddings = [], [], []
    with (
        Recogniser(classifier.path, device="cpu", embeddings=True) as recogniser,
        VideoSource(clip) as video,
    ):
        for result in recogniser.stream(video, exact=True):
            for face in result.faces:
                if face.embedding is not None:
                    times.append(result.frame.time_s)
                    rows.append(face.raw_probabilities)
                    embeddings.append(face.embedding)
    at_s = np.array(times)
    logs = np.log(np.maximum(np.array(rows, np.float64), 1e-12))
    features = standardise_embeddings(np.array(embeddings), facts)
    taught: list[tuple[Array, Array, int, int]] = []
    tested: list[tuple[NDArray[np.bool_], int]] = []
    for label, (start, end) in CLIP_PARTS.items():
        asked = classifier.labels.index(label)
        for number, second in enumerate(np.arange(start, end)):
            inside = (at_s >= second) & (at_s < second + 1)
            if not inside.any():
                continue
            if number % 2:
                tested.append((inside, asked))
            else:
                taught.append(
                    (features[inside].mean(axis=0), logs[inside].mean(axis=0), asked, number // 2)
                )
    seconds = TaughtSeconds(
        np.array([one[0] for one in taught]),
        np.array([one[1] for one in taught]),
        np.array([one[2] for one in taught]),
        np.array([one[3] for one in taught]),
    )
    head = learn_head(seconds, classifier.contract, classifier.prior_correction).head
    moved = logs if head is None else logs + head.compute_shifts(features)
    print(
        f"\n{clip.name}: {len(taught)} seconds teach\n\n"
        "| expression | frames | read so | with the profile |\n|---|---|---|---|"
    )
    for label in CLIP_PARTS:
        asked = classifier.labels.index(label)
        inside = np.any([mask for mask, one in tested if one == asked], axis=0)
        before, after = (
            100 * (part[inside].argmax(axis=1) == asked).mean() for part in (logs, moved)
        )
        print(f"| {label} | {inside.sum()} | {before:.1f} % | {after:.1f} % |")


def measure_cost(maker: PeopleMaker, classifier: Classifier, crops: NDArray[np.uint8]) -> None:
    taught, _ = maker.make_person(GROUPS[1])
    seconds = TaughtSeconds(
        taught.features, normalise_logs(maker.read(taught.features)), taught.classes, taught.rounds
    )
    began_s = time.process_time()
    head = learn_head(seconds, classifier.contract, classifier.prior_correction).head
    learning_s = time.process_time() - began_s
    assert head is not None
    facts = classifier.contract.embedding
    assert facts is not None
    raw = np.ones((1, facts.dim), np.float32)

    def take_us(work: Callable[[], object], count: int) -> float:
        least = np.inf
        for _ in range(5):
            began = time.process_time()
            for _ in range(count):
                work()
            least = min(least, (time.process_time() - began) / count)
        return float(1e6 * least)

    def correct() -> None:
        features = standardise_embeddings(raw, facts)
        head.compute_shifts(features)
        make_sketch(features[0])

    one = crops[:1]
    print(
        f"\nProcessor time: a lesson {1000 * learning_s:.0f} ms; a corrected reading "
        f"{take_us(correct, READINGS):.0f} µs; reading a face "
        f"{take_us(lambda: classifier.predict(one), READINGS // 3):.0f} µs without and "
        f"{take_us(lambda: classifier.predict_with_embeddings(one), READINGS // 3):.0f} µs with "
        "its embedding"
    )


def check_labels(labels: Sequence[str], known: Sequence[str]) -> None:
    """Raises `DataError` where people cannot be made of faces with `labels` for a model that knows
    the labels `known`."""
    if set(labels) != set(known):
        raise DataError(
            f"The data has {', '.join(labels)}; the model knows {', '.join(known)}. Give data of "
            "the same labels."
        )
    missing = [name for name in ("neutral", "sadness") if name not in known]
    if missing or len(known) <= max(group.wrong for group in GROUPS):
        raise DataError(
            "People are made who look sad at rest, and who show some expressions wrongly. Give a "
            "model with neutral, sadness and two more labels."
        )


def main(argv: list[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.measure_teaching",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("data", type=Path, help="the .npz that training.prepare wrote")
    top.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="an exported .onnx model")
    top.add_argument(
        "--people", type=parse_count, default=100, help="in a group (default: %(default)s)"
    )
    top.add_argument("--sweep", action="store_true", help="compare weights of a second, too")
    top.add_argument("--clips", type=Path, help=f"a folder with {CLIP}")
    top.add_argument(
        "--seed", type=parse_seed, default=0, help="of all draws (default: %(default)s)"
    )
    options = top.parse_args(argv)
    classifier = Classifier(options.model, device="cpu")
    contract = classifier.contract
    facts = check_model_teaches(classifier)
    if options.clips is not None and not (options.clips / CLIP).is_file():
        raise DataError(f"{options.clips} has no {CLIP}. Give its folder, or leave --clips out.")
    pack = read_pack(options.data)
    check_labels(pack.meta.labels, contract.labels)
    examples, _ = load_judged_examples(
        pack, "valid", contract.template, contract.size_px, contract.colour
    )
    crops = np.concatenate([make_uint8_crops(examples, rows) for rows in iterate_batches(examples)])
    classes = np.array(
        [contract.labels.index(pack.meta.labels[one]) for one in examples.labels.tolist()]
    )
    read = [
        classifier.predict_with_embeddings(crops[at : at + 64]) for at in range(0, len(crops), 64)
    ]
    features = standardise_embeddings(np.concatenate([part[2] for part in read]), facts)
    shares = np.concatenate([part[0] for part in read]).astype(np.float64)
    lowest = standardise_embeddings(np.zeros((1, facts.dim), np.float32), facts)[0]

    def make() -> PeopleMaker:
        return PeopleMaker(features, shares, classes, lowest, contract.labels, options.seed)

    for weight in WEIGHTS if options.sweep else (SECOND_WEIGHT,):
        measure_groups(make, classifier, options.people, weight)
    measure_refusals(make(), classifier, options.people)
    measure_strangers(classifier, crops[classes == 0][:SKETCHED], options.seed)
    if options.clips is not None:
        measure_clip(classifier, options.clips / CLIP)
    measure_cost(make(), classifier, crops)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
