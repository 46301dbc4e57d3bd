"""What lies in `models/` is what its own contract and card say."""

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest

from app.alignment import normalise
from app.contract import make_probe_crops
from app.crops import align_faces
from app.defaults import PORTRAIT_CLIP, list_shipped_models
from app.detection.face_check import FACE_CHECK
from app.detection.search import FaceSearch
from app.recognition.classifier import MODELS, Classifier
from app.types import Face, Image
from tools import make_portrait_clip as clip

EVERY = sorted(MODELS.glob("*.onnx"))
SHIPPED = sorted(list_shipped_models().values())  # those that read expressions


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.name)
def test_file_gives_the_logits_of_the_run_that_exported_it(path: Path) -> None:
    classifier = Classifier(path, device="cpu")
    contract = classifier.contract
    outputs = classifier.run(make_probe_crops(contract.size_px))
    assert len(contract.probe_logits) == 2
    np.testing.assert_allclose(outputs.logits, contract.probe_logits, atol=1e-3)
    np.testing.assert_allclose(outputs.cam.mean(axis=(2, 3)), outputs.logits, atol=1e-4)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_model_is_as_good_as_its_bar(path: Path) -> None:
    contract = Classifier(path, device="cpu").contract
    assert contract.metrics["accuracy"] >= 0.845
    assert contract.metrics["ece"] <= 0.03
    assert contract.recipe["train"]["loss"] == "dacl"
    assert contract.recipe["train"]["centre_weight"] > 0
    assert path.stat().st_size <= 48_000_000


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_embedding_gives_the_logits(path: Path) -> None:
    """By the weights of the file's own classifier, a convolution of 1 x 1."""
    import onnx

    classifier = Classifier(path, device="cpu")
    outputs = classifier.run(make_probe_crops(classifier.contract.size_px), with_embedding=True)
    graph = onnx.load(str(path)).graph
    (conv,) = (node for node in graph.node if "cam" in node.output)
    tensors = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    widened = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    weight, bias = (tensors[widened.get(name, name)].astype(float) for name in conv.input[1:])
    assert outputs.embedding is not None
    assert outputs.embedding.min() >= 0
    np.testing.assert_allclose(
        outputs.embedding @ weight[:, :, 0, 0].T + bias, outputs.logits, atol=1e-3
    )
    facts = classifier.contract.embedding
    assert facts is not None
    assert facts.dim == classifier.embedding_dim == outputs.embedding.shape[1]
    assert np.count_nonzero(facts.std) > 0.9 * facts.dim


@pytest.fixture(scope="module")
def smiles() -> list[tuple[Image, Face]]:
    """Pictures of the portrait clip in which one person smiles, and her face."""
    found: list[tuple[Image, Face]] = []
    with av.open(str(PORTRAIT_CLIP)) as container, FaceSearch() as search:
        for index, frame in enumerate(container.decode(video=0)):
            if index % 20 == 0 and clip.expected_faces(index) == 1:
                image = np.ascontiguousarray(frame.to_ndarray(format="bgr24"))
                found += [(image, face) for face in search.detect(image)]
    assert len(found) >= 5
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_model_recognises_the_smile_of_the_portrait_clip(
    path: Path, smiles: list[tuple[Image, Face]]
) -> None:
    classifier = Classifier(path, device="cpu")
    contract = classifier.contract
    for image, face in smiles:
        shares = classifier.predict(align_faces(image, [face], contract.template, contract.size_px))
        assert contract.labels[int(shares.argmax())] == "happiness"
        assert contract.is_sure(shares).all()


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.name)
def test_file_says_nothing_of_the_machine_it_was_made_on(path: Path) -> None:
    assert b".py" not in path.read_bytes()


def test_face_check_is_as_good_as_its_bar() -> None:
    contract = Classifier(FACE_CHECK, device="cpu").contract
    assert contract.labels == ("face", "none")
    assert contract.metrics["accuracy"] >= 0.965
    assert contract.metrics["ece"] <= 0.03
    assert FACE_CHECK.stat().st_size <= 2_000_000


def test_the_default_is_shipped() -> None:
    assert "dacl.onnx" in [path.name for path in SHIPPED]


@pytest.mark.parametrize(
    "path",
    sorted(p for kind in ("onnx", "pt", "tflite", "task") for p in MODELS.glob(f"*.{kind}")),
    ids=lambda p: p.name,
)
def test_card_names_each_file_with_its_hash(path: Path) -> None:
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    assert path.name in card
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(MODELS.glob("*.pt")), ids=lambda p: p.name)
def test_training_can_go_on_from_what_is_shipped(path: Path) -> None:
    """The compact checkpoint is the network of the file beside it, in half precision."""
    import torch

    from training.checkpoints.checkpoint import load_trained
    from training.checkpoints.compact import read_compact
    from training.exporting.onnx_file import compute_probe_logits

    weights, licence = read_compact(path.with_suffix(".onnx"))
    assert "FER2013" in licence
    assert weights.facts is not None
    contract = Classifier(path.with_suffix(".onnx"), device="cpu").contract
    assert weights.facts.labels == contract.labels
    trained = load_trained(path)
    np.testing.assert_allclose(compute_probe_logits(trained), contract.probe_logits, atol=0.03)
    crops = make_probe_crops(contract.size_px)
    exported = Classifier(path.with_suffix(".onnx"), device="cpu").run(crops, with_embedding=True)
    x = normalise(crops, colour=contract.colour, mean=contract.mean, std=contract.std)
    with torch.no_grad():
        wanted = trained.net(torch.from_numpy(x), with_attention=False).embedding
    np.testing.assert_allclose(exported.embedding, wanted.numpy(), atol=0.03)
