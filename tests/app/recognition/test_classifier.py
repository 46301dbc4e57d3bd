"""One file is the whole model, and what is wrong with it is said in one line."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
import pytest

from app.contract import MAX_TEMPERATURE, MIN_TEMPERATURE, EmbeddingFacts
from app.defaults import ROOT
from app.errors import DeviceError, ModelError
from app.recognition import onnx_session
from app.recognition.classifier import Classifier, apply_softmax, compute_prior_shift
from tests.support.tiny_model import tiny_contract, write_tiny_model


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.onnx", tiny_contract(temperature=2.0))


def grey(level: int, count: int = 1) -> np.ndarray:
    return np.full((count, 16, 16, 3), level, np.uint8)


def test_no_crops_have_no_probabilities(tiny: Path) -> None:
    assert Classifier(tiny, device="cpu").predict(grey(0, count=0)).shape == (0, 2)


def test_probabilities_are_the_softmax_of_logits_over_temperature(tiny: Path) -> None:
    classifier = Classifier(tiny, device="cpu")
    crops = np.concatenate([grey(0), grey(255)])
    outputs = classifier.run(crops)
    # black is (0 - 0.5) / 0.25 = -2, white is 2; the classes weigh it by -1 and 1
    np.testing.assert_allclose(outputs.logits, [[2, -2], [-2, 2]], atol=1e-5)
    assert outputs.cam.shape == (2, 2, 16, 16)
    np.testing.assert_allclose(outputs.cam.mean(axis=(2, 3)), outputs.logits, atol=1e-5)
    share = 1 / (1 + np.exp(-2.0))  # logits 1 and -1 after division by 2
    np.testing.assert_allclose(
        classifier.predict(crops), [[share, 1 - share], [1 - share, share]], atol=1e-5
    )


@pytest.mark.parametrize(
    ("tau", "dark"),
    [(0.0, 0.5), (1.0, 0.1 / (0.1 + 0.9)), (0.5, 0.1**0.5 / (0.1**0.5 + 0.9**0.5))],
)
def test_prior_correction_divides_by_the_shares(tmp_path: Path, tau: float, dark: float) -> None:
    """Middle grey is either class to the model; nine of ten training faces were dark."""
    path = write_tiny_model(
        tmp_path / "m.onnx",
        tiny_contract(temperature=2.0, class_shares=(0.9, 0.1)),
        np.array([[-1e-9], [1e-9]]),
    )
    found = Classifier(path, device="cpu", prior_correction=tau).predict(grey(128))
    np.testing.assert_allclose(found, [[dark, 1 - dark]], atol=1e-6)


@pytest.mark.parametrize(("asked", "dark"), [(None, 0.25), (0.0, 0.5), (1.0, 0.1)])
def test_the_file_says_how_much_is_corrected_unless_told_otherwise(
    tmp_path: Path, asked: float | None, dark: float
) -> None:
    path = write_tiny_model(
        tmp_path / "m.onnx",
        tiny_contract(class_shares=(0.9, 0.1), prior_correction=0.5),
        np.array([[-1e-9], [1e-9]]),
    )
    found = Classifier(path, device="cpu", prior_correction=asked).predict(grey(128))
    np.testing.assert_allclose(found, [[dark, 1 - dark]], atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "temperature"), [(None, 1.0), (0.5, 1.0), (0.0, 2.0), (0.25, 1.5)]
)
def test_temperature_follows_the_correction_that_is_used(
    tmp_path: Path, asked: float | None, temperature: float
) -> None:
    contract = tiny_contract(
        temperature=2.0, class_shares=(0.9, 0.1), prior_correction=0.5, corrected_temperature=1.0
    )
    path = write_tiny_model(tmp_path / "m.onnx", contract)
    found = Classifier(path, device="cpu", prior_correction=asked).predict(grey(0))
    tau = 0.5 if asked is None else asked
    odds = np.exp(4 / temperature) * (0.1 / 0.9) ** tau  # the logits of black are 2 and -2
    np.testing.assert_allclose(found, [[odds / (1 + odds), 1 / (1 + odds)]], rtol=1e-5)


def test_class_that_was_never_seen_does_not_answer_everything() -> None:
    np.testing.assert_allclose(
        compute_prior_shift((0.999, 0.001, 0.0), 1.0), np.log([0.999, 0.001, 0.001]), rtol=1e-5
    )


def test_prior_correction_needs_priors(tiny: Path) -> None:
    with pytest.raises(ModelError, match=r"tiny\.onnx does not say how frequent its classes"):
        Classifier(tiny, device="cpu", prior_correction=0.5)


def test_rgb_model_gets_red_first(tmp_path: Path) -> None:
    path = write_tiny_model(
        tmp_path / "rgb.onnx",
        tiny_contract(("red", "green", "blue"), colour="rgb"),
        np.eye(3),
    )
    blue = np.zeros((1, 16, 16, 3), np.uint8)
    blue[..., 0] = 255  # OpenCV's order is B, G, R
    np.testing.assert_allclose(
        Classifier(path, device="cpu").run(blue).logits, [[-2, -2, 2]], atol=1e-5
    )


@pytest.mark.parametrize("k", [2, 7, 20])
def test_any_number_of_classes_works(tmp_path: Path, k: int) -> None:
    labels = tuple(f"class {i}" for i in range(k))
    path = write_tiny_model(tmp_path / "k.onnx", tiny_contract(labels), classes=k)
    probabilities = Classifier(path, device="cpu").predict(grey(255, count=3))
    assert probabilities.shape == (3, k)
    assert probabilities.argmax(axis=1).tolist() == [k - 1] * 3
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_huge_logits_do_not_overflow() -> None:
    rows = apply_softmax(np.array([[1e4, -1e4], [0, 0]], np.float32), 1.0)
    np.testing.assert_allclose(rows, [[1, 0], [0.5, 0.5]])


def test_crops_of_another_size_are_refused(tiny: Path) -> None:
    with pytest.raises(ValueError, match=r"must be \(N, 16, 16, 3\)"):
        Classifier(tiny, device="cpu").predict(np.zeros((1, 48, 48, 3), np.uint8))


def test_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx is missing"):
        Classifier(tmp_path / "nowhere.onnx")
    with pytest.raises(ModelError, match="is a folder"):
        Classifier(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x08\x07" * 50], ids=["empty", "text", "bytes"]
)
def test_damaged_model_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.onnx"):
        Classifier(path, device="cpu")


def test_truncated_model_is_named(tiny: Path) -> None:
    tiny.write_bytes(tiny.read_bytes()[:150])
    with pytest.raises(ModelError, match=r"tiny\.onnx"):
        Classifier(tiny, device="cpu")


def test_model_without_contract_is_refused(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "bare.onnx", None)
    with pytest.raises(ModelError, match="has no contract"):
        Classifier(path, device="cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size_px": 24}, r"its input is \(N, 1, 24, 24\)"),
        ({"channels": 3}, r"its input is \(N, 3, 16, 16\)"),
        ({"classes": 5}, r"its logits are \(N, 5\), for 2 labels"),
        ({"batch": 1}, "batch size is fixed at 1"),
    ],
)
def test_shapes_that_contradict_the_contract_are_refused(
    tmp_path: Path, options: dict[str, int], message: str
) -> None:
    path = write_tiny_model(tmp_path / "odd.onnx", tiny_contract(), **options)
    with pytest.raises(ModelError, match=message):
        Classifier(path, device="cpu")


@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e36])
def test_weights_that_give_no_numbers_are_refused_on_load(tmp_path: Path, weight: float) -> None:
    path = write_tiny_model(tmp_path / "bad.onnx", tiny_contract(), np.array([[1], [weight]]))
    with pytest.raises(ModelError, match=r"bad\.onnx gives no numbers: .* give another model\.$"):
        Classifier(path, device="cpu")


def test_logits_of_the_wrong_shape_are_refused_on_load(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "one.onnx", tiny_contract(), first_alone=True)
    with pytest.raises(ModelError, match=r"for 2 crops and 2 labels its logits are float32 \(1, 2"):
        Classifier(path, device="cpu")


def test_what_overflows_only_for_some_crops_is_said_when_it_does(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "m.onnx", tiny_contract(), np.array([[0], [8e29]]))
    classifier = Classifier(path, device="cpu")  # the made crops are no darker than a quarter
    with pytest.raises(ModelError, match=r"m\.onnx gives no numbers"):
        classifier.predict(grey(255))


@pytest.mark.parametrize("weight", [1e-30, 1.0, 1e29])
@pytest.mark.parametrize("temperature", [MIN_TEMPERATURE, MAX_TEMPERATURE])
def test_all_that_a_contract_may_ask_for_gives_probabilities(
    tmp_path: Path, weight: float, temperature: float
) -> None:
    contract = tiny_contract(temperature=temperature, class_shares=(0.9, 0.1))
    path = write_tiny_model(tmp_path / "m.onnx", contract, np.array([[weight], [-weight]]))
    for tau in (0.0, 1.0):
        found = Classifier(path, device="cpu", prior_correction=tau).predict(grey(0))
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_the_look_on_load_is_not_counted(tiny: Path) -> None:
    classifier = Classifier(tiny, device="cpu")
    assert (classifier.inferences, classifier.crops_read, classifier.inference_s) == (0, 0, 0.0)


def test_auto_says_which_provider_runs(tiny: Path) -> None:
    assert Classifier(tiny).provider in {"CPU", "CUDA"}


def test_cuda_that_is_not_there_is_an_error(tiny: Path) -> None:
    if Classifier(tiny).provider == "CUDA":
        pytest.skip("CUDA works here")
    with pytest.raises(DeviceError, match="--device cpu"):
        Classifier(tiny, device="cuda")


def test_loading_is_silent(tiny: Path) -> None:
    for device in ("auto", "cpu"):
        script = (
            "from pathlib import Path; from app.recognition.classifier import Classifier; "
            f"Classifier(Path({str(tiny)!r}), device={device!r})"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("", "")


def test_memory_that_lacks_is_not_blamed_on_the_file(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise RuntimeError("std::bad_alloc")

    monkeypatch.setattr(ort, "InferenceSession", opened)
    with pytest.raises(DeviceError, match=r"too little memory here to open .*tiny"):
        Classifier(tiny, device="cpu")


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_cuda_that_opens_but_does_not_run_is_not_taken(
    tiny: Path, device: Literal["auto", "cuda"], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ort.InferenceSession

    class Broken:
        """A GPU that this build has no kernels for."""

        def __init__(self, inner: Any) -> None:
            self.get_inputs = inner.get_inputs

        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

        def run(self, *_: Any) -> None:
            raise RuntimeError("no kernel image is available for execution on the device")

    def opened(content: bytes, options: Any, providers: list[str]) -> Any:
        cpu = real(content, options, providers=["CPUExecutionProvider"])
        return Broken(cpu) if providers[0] == "CUDAExecutionProvider" else cpu

    monkeypatch.setattr(ort, "InferenceSession", opened)
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(ort, "preload_dlls", lambda: None)
    if device == "cuda":
        with pytest.raises(DeviceError, match="CUDA does not work here"):
            Classifier(tiny, device=device)
        return
    for has_gpu, fallback in ((True, "CUDA does not work here"), (False, None)):
        monkeypatch.setattr(onnx_session, "has_nvidia_gpu", lambda has=has_gpu: has)
        classifier = Classifier(tiny, device=device)
        assert (classifier.provider, classifier.fallback) == ("CPU", fallback)
    assert classifier.predict(grey(0, count=2)).shape == (2, 2)


@pytest.mark.parametrize(
    ("has_gpu", "fallback"), [(False, None), (True, "CUDA does not work here")]
)
def test_a_machine_without_cuda_opens_the_network_once(
    tiny: Path, has_gpu: bool, fallback: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a GPU but without CUDA's libraries, ONNX Runtime gives a session for the CPU."""
    real, asked = ort.InferenceSession, []

    def opened(content: bytes, options: Any, providers: list[str]) -> Any:
        asked.append(providers)
        return real(content, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "InferenceSession", opened)
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(ort, "preload_dlls", lambda: None)
    monkeypatch.setattr(onnx_session, "has_nvidia_gpu", lambda: has_gpu)
    classifier = Classifier(tiny)
    assert (classifier.provider, classifier.fallback) == ("CPU", fallback)
    assert asked == [["CUDAExecutionProvider"] * has_gpu + ["CPUExecutionProvider"]]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's own figures")
def test_what_opening_a_model_takes_for_a_moment_is_given_back() -> None:
    """In a process of its own. The default's weights are 25 MB in full precision, and its file of
    13 MB is not kept."""
    code = (
        "import onnxruntime\n"
        "from app.recognition.classifier import DEFAULT_MODEL, Classifier\n"
        "from app.process.machine import measure_resident_mb\n"
        "before = measure_resident_mb()\n"
        "classifier = Classifier(DEFAULT_MODEL, device='cpu')\n"
        "print(measure_resident_mb() - before)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert float(said.stdout) < 48


def test_embedding_comes_where_it_is_asked_for_and_changes_nothing(tmp_path: Path) -> None:
    facts = EmbeddingFacts(mean=(0.0,), std=(1.0,))
    path = write_tiny_model(tmp_path / "m.onnx", tiny_contract(embedding=facts), embedding=("N", 1))
    classifier, crops = Classifier(path, device="cpu"), np.concatenate([grey(0), grey(255)])
    assert classifier.embedding_dim == 1
    plain, asked = classifier.run(crops), classifier.run(crops, with_embedding=True)
    assert plain.embedding is None
    assert asked.embedding is not None
    np.testing.assert_allclose(asked.embedding, [[-2], [2]], atol=1e-6)
    np.testing.assert_array_equal(asked.logits, plain.logits)
    probabilities, cam, embedding = classifier.predict_with_embeddings(crops)
    np.testing.assert_array_equal(probabilities, classifier.predict(crops))
    np.testing.assert_array_equal(cam, plain.cam)
    np.testing.assert_array_equal(embedding, asked.embedding)
    none = classifier.run(crops[:0], with_embedding=True).embedding
    assert none is not None
    assert none.shape == (0, 1)


def test_file_from_before_embeddings_works_and_says_that_it_has_none(tiny: Path) -> None:
    classifier = Classifier(tiny, device="cpu")
    assert classifier.embedding_dim is None
    assert classifier.predict(grey(0)).shape == (1, 2)
    with pytest.raises(ModelError, match=r"tiny\.onnx gives no embeddings\. Use a shipped model"):
        classifier.predict_with_embeddings(grey(0))


@pytest.mark.parametrize(
    ("shape", "dim", "message"),
    [
        (None, 1, "it has no output embedding"),
        (("N", 1), 2, "its embedding is (N, 1), and it describes another length"),
    ],
)
def test_embedding_that_is_not_as_described_is_refused(
    tmp_path: Path, shape: tuple[str | int, ...] | None, dim: int, message: str
) -> None:
    facts = EmbeddingFacts(mean=(0.0,) * dim, std=(1.0,) * dim)
    path = write_tiny_model(tmp_path / "m.onnx", tiny_contract(embedding=facts), embedding=shape)
    with pytest.raises(ModelError, match=r"m\.onnx contradicts its contract") as caught:
        Classifier(path, device="cpu")
    assert message in str(caught.value)
