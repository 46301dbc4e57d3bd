"""A model says which weights of elsewhere it began with, and so do all that are made of it."""

from pathlib import Path

import pytest
import torch

from app.files.hashing import sha256_of_file
from app.recognition.classifier import Classifier
from tests.support.dlib_files import encode_dat, make_layers, write_manifest
from tests.support.shapes import LABELS, MACHINE, RECIPE
from training import export, train
from training.base.licences import FOLDER_LICENCE, LICENCE, RESEARCH_LICENCE
from training.checkpoints import origins as known
from training.checkpoints.checkpoint import build_network, load_checkpoint, load_trained
from training.checkpoints.compact import name_compact, read_compact
from training.checkpoints.initial_weights import load_initial
from training.checkpoints.origins import (
    DLIB_NAME,
    DLIB_NOTE,
    WeightOrigin,
    complete_licence,
    describe_origins,
    list_origin_notes,
    name_origin,
)
from training.config.run_config import RunConfig

DLIB = WeightOrigin("dlib", DLIB_NAME, "d1")
OTHER = WeightOrigin("dlib", "taguchi.dat", "d2")
OWN = WeightOrigin("compact checkpoint", "RAF-DB", "d3")


@pytest.fixture(scope="module")
def dlib_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dlib") / f"{DLIB_NAME}.dat"
    path.write_bytes(encode_dat(make_layers()))
    return path


@pytest.mark.parametrize(
    ("origins", "notes"),
    [
        ([], []),
        ([DLIB, DLIB], [DLIB_NOTE]),
        ([OTHER], ["Began with the weights taguchi.dat, which others made: check their terms."]),
        ([OWN], [f"Began with a network of RAF-DB. {RESEARCH_LICENCE.format(dataset='RAF-DB')}"]),
        ([WeightOrigin("checkpoint", "FER+", "d4")], []),  # learned from the same data
    ],
)
def test_licence_speaks_of_what_others_made(origins: list[WeightOrigin], notes: list[str]) -> None:
    assert list_origin_notes(origins, "FER+") == notes
    assert complete_licence(origins, "FER+") == " ".join([LICENCE, *notes])


def test_method_names_weights_of_others_alone() -> None:
    assert describe_origins([OWN]) == ""
    assert describe_origins([OWN, DLIB, OTHER, DLIB]) == f"; began with {DLIB_NAME}, taguchi.dat"


@pytest.mark.parametrize("form", ["dat", "manifest"])
def test_published_file_is_known_by_its_digest_and_no_other(
    dlib_file: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = numbers = dlib_file
    if form == "manifest":
        path, numbers = write_manifest(make_layers(), tmp_path), tmp_path / "model.bin"
    net = build_network(RunConfig.make_face_pretrained(), len(LABELS))
    (unknown,) = load_initial(net, path, labels=LABELS).origins
    assert unknown == WeightOrigin("dlib", path.name, sha256_of_file(numbers))
    monkeypatch.setattr(known, "PUBLISHED_BY_DLIB", {unknown.sha256: DLIB_NAME})
    assert load_initial(net, path, labels=LABELS).origins[0].name == DLIB_NAME


def test_digests_of_both_published_forms_are_known() -> None:
    assert set(known.PUBLISHED_BY_DLIB.values()) == {DLIB_NAME}
    assert len(known.PUBLISHED_BY_DLIB) == 2
    for digest in known.PUBLISHED_BY_DLIB:
        assert name_origin("dlib", "x.dat", None, digest) == WeightOrigin("dlib", DLIB_NAME, digest)


@pytest.mark.slow
def test_origin_goes_from_the_first_step_to_the_exported_file(
    dlib_file: Path, shapes_npz: Path, tmp_path: Path
) -> None:
    small = ("--size-px", "64", "--epochs", "1", "--batch-size", "32", "--loss", "softmax")
    first, second, model = tmp_path / "first", tmp_path / "second", tmp_path / "m.onnx"
    words = [str(shapes_npz), *MACHINE, "--recipe", "dlib", *small]
    assert train.main([*words, "-o", str(first), "--init", str(dlib_file)]) == 0
    origin = WeightOrigin("dlib", dlib_file.name, sha256_of_file(dlib_file))
    assert load_trained(first / "best.pt").origins == (origin,)

    assert train.main([*words, "-o", str(second), "--init", str(first / "best.pt")]) == 0
    own = WeightOrigin("checkpoint", "shapes", sha256_of_file(first / "best.pt"))
    assert load_trained(second / "best.pt").origins == (origin, own)

    assert (
        export.main([str(shapes_npz), str(second / "best.pt"), "-o", str(model), "--compact"]) == 0
    )
    contract = Classifier(model, device="cpu").contract
    assert contract.method == f"softmax loss; began with {dlib_file.name}"
    assert contract.licence == (
        f"{FOLDER_LICENCE} Began with the weights {dlib_file.name}, which others made: check "
        "their terms."
    )
    assert [entry["sha256"] for entry in contract.recipe["began_with"]] == [
        origin.sha256,
        own.sha256,
    ]
    assert read_compact(model)[0].origins == (origin, own)
    assert load_trained(name_compact(model)).origins == (origin, own)


def test_run_that_goes_on_keeps_its_origin(shapes_npz: Path, trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = [str(shapes_npz), "-o", str(folder), *MACHINE, *RECIPE, "--epochs", "1"]
    assert train.main([*words, "--init", str(trained / "best.pt")]) == 0
    before = load_checkpoint(folder / "last.pt")["origins"]
    assert [entry["name"] for entry in before] == ["shapes"]
    assert train.main([str(shapes_npz), "-o", str(folder), *MACHINE, "--resume"]) == 0
    assert load_checkpoint(folder / "last.pt")["origins"] == before


def test_older_checkpoint_has_no_origin(trained: Path, tmp_path: Path) -> None:
    state = load_checkpoint(trained / "best.pt")
    assert state.pop("origins") == []
    torch.save(state, tmp_path / "old.pt")
    assert load_trained(tmp_path / "old.pt").origins == ()
