"""A hostile model is refused, in one line, before ONNX Runtime sees it; honest ones pass."""

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from app.defaults import ROOT
from app.errors import ModelError
from app.recognition.classifier import MODELS, Classifier
from app.recognition.contract_metadata import METADATA_KEY
from app.recognition.onnx_guard import MAX_FILE_BYTES, check_model, check_size
from tests.support.tiny_model import tiny_contract, write_tiny_model

Change = Callable[[onnx.ModelProto], object]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.onnx", tiny_contract())


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def elsewhere(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def elsewhere_unannounced(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")


def elsewhere_in_a_constant(model: onnx.ModelProto) -> None:
    tensor = TensorProto(dims=[4], data_type=1, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="weights.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def many_gigabytes(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(
        TensorProto(name="big", data_type=1, dims=[1 << 20, 1 << 20], raw_data=b"1234")
    )


def endless(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="b", data_type=1, dims=[1 << 62, 1 << 62, 16]))


def loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["x"], body=body))


def laughs(model: onnx.ModelProto) -> None:
    """Functions that call each other twice each."""
    for i in range(30):
        call = [helper.make_node(f"f{i + 1}", ["x"], ["y"], domain="f")] * 2
        model.functions.append(
            helper.make_function("f", f"f{i}", ["x"], ["y"], call, [helper.make_opsetid("", 20)])
        )


def sparse(model: onnx.ModelProto) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "v")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "i")
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(values, indices, [1 << 30, 1 << 10])
    )


def deep_contract(model: onnx.ModelProto) -> None:
    model.metadata_props[0].value = "[" * 100_000


def fixed_axis(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 1 << 40


HOSTILE: list[tuple[Change, str]] = [
    (elsewhere, "takes data from other files"),
    (elsewhere_unannounced, "takes data from other files"),
    (elsewhere_in_a_constant, "takes data from other files"),
    (many_gigabytes, "says that it has 1,099,511,627,776 elements"),
    (endless, "endless elements"),
    (lambda m: m.graph.initializer.add(name="n", data_type=1, dims=[-1]), "negative length"),
    (lambda m: m.graph.initializer.add(name="s", data_type=8, string_data=[b"x"]), "text"),
    (lambda m: m.opset_import.add(domain="evil.ops", version=1), r"not ONNX's own \(evil.ops\)"),
    (
        lambda m: m.graph.node.append(helper.make_node("Run", [], ["y"], domain="\x1b[2J\n")),
        r"not ONNX's own \(\\x1b\[2J\\n\)",
    ),
    (loop, "loops or branches"),
    (laughs, "functions of its own"),
    (sparse, "sparse tensors"),
    (lambda m: m.training_info.add(), "a way to train"),
    (fixed_axis, "absurd size, 1,099,511,627,776"),
    (
        lambda m: m.graph.node[0].attribute.append(helper.make_attribute("pads", [10**9] * 4)),
        "its pads are of an absurd size, 1,000,000,000",
    ),
    (lambda m: m.metadata_props.add(key="x", value="x" * (2 << 20)), "metadata has more than 1 MB"),
    (deep_contract, "nested more than 64 deep"),
]


@pytest.mark.parametrize(("change", "message"), HOSTILE)
def test_hostile_model_is_refused_before_a_session_is_made(
    tiny: Path, change: Change, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = onnx.load(str(tiny))
    change(model)
    tiny.write_bytes(model.SerializeToString())

    def made(*_: object, **__: object) -> None:
        raise AssertionError("a session was made")

    monkeypatch.setattr(onnxruntime, "InferenceSession", made)
    with pytest.raises(ModelError, match=message) as refused:
        Classifier(tiny, device="cpu")
    said = str(refused.value)
    assert said.startswith(f"The model {tiny} is refused: ")
    assert said.isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (field(7, b"\x0a\x00" * 500_000), "more than 20,000 operations"),
        (field(7, field(13, field(2, field(1, field(2, b"\x0a\x00" * 500_000))))), "entries"),
        (field(7, field(5, field(1, b"\x01" * 500_000))), "more than 200,000 entries"),
        (field(7, b"") * 2, "stands there twice"),
        (field(7, field(1, field(5, field(5, b"\x10\x01\x4a\x04abcd") * 2))), "stands there twice"),
    ],
    ids=["nodes", "axes", "dims", "two graphs", "two tensors in one"],
)
def test_small_files_that_swell_are_refused_soon(content: bytes, message: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError, match=message):
        check_model(content, "swells.onnx")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x08\x07", b"\x3a\xff\xff\xff\xff\x7f", b"\x3b\x3c", b"\xff" * 20, b"\x00"],
)
def test_what_is_no_model_is_called_damaged(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"bad\.onnx is not a model that ONNX Runtime can open"):
        check_model(content, "bad.onnx")


@given(st.data())
def test_damage_anywhere_is_said_or_harmless(data: st.DataObject) -> None:
    content = bytearray((MODELS / "dacl.onnx").read_bytes()[:20_000])
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=20)):
        content[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ModelError):
        check_model(bytes(content), "flipped.onnx")


@pytest.mark.slow
def test_honest_models_pass(tiny: Path, exported: Path) -> None:
    for path in (tiny, exported, *MODELS.glob("*.onnx")):
        check_model(path.read_bytes(), str(path))


def test_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + (1 << 20))
    with pytest.raises(ModelError, match="it has 513 MB, more than 512"):
        Classifier(path)
    check_size(MAX_FILE_BYTES, "just.onnx")


def test_looking_takes_no_time_that_a_user_would_notice() -> None:
    content = (MODELS / "dacl.onnx").read_bytes()
    took_s = []
    for _ in range(5):  # a garbage collection may fall into one of them
        began_s = time.process_time()
        check_model(content, "dacl.onnx")
        took_s.append(time.process_time() - began_s)
    assert min(took_s) < 0.2


def test_contract_that_is_no_json_is_damaged(tiny: Path) -> None:
    model = onnx.load(str(tiny))
    model.metadata_props[0].value = json.dumps({"format": 1})[:-1]
    assert model.metadata_props[0].key == METADATA_KEY
    tiny.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="damaged contract"):
        Classifier(tiny, device="cpu")


def test_network_that_multiplies_itself_up_does_not_take_the_memory(tmp_path: Path) -> None:
    """Two honest columns whose product has 14 GB, which no look at the file alone would find."""
    path = write_tiny_model(tmp_path / "product.onnx", tiny_contract())
    model = onnx.load(str(path))
    for name, shape in (("a", (60_000, 1)), ("b", (1, 60_000))):
        model.graph.initializer.append(numpy_helper.from_array(np.ones(shape, np.float32), name))
    model.graph.node.extend(
        [
            helper.make_node("Mul", ["a", "b"], ["ab"]),
            helper.make_node("ReduceMean", ["ab"], ["mean"], keepdims=0),
            helper.make_node("Add", ["logits", "mean"], ["more"]),
        ]
    )
    model.graph.node[1].output[0] = "logits_"
    model.graph.node[4].input[0] = "logits_"
    model.graph.node[4].output[0] = "logits"
    path.write_bytes(model.SerializeToString())
    script = """
import resource, sys
import numpy as np
from pathlib import Path
from app.recognition.classifier import Classifier
from app.errors import ModelError
try:
    Classifier(Path(sys.argv[1]), device="cpu").predict(np.zeros((1, 16, 16, 3), np.uint8))
except ModelError as error:
    print(error)
try:  # what a process is said to have had at most includes who started it, but for this
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    said, peak_mb = done.stdout.rsplit("\n", 2)[:2]
    assert "product.onnx could not be run on CPU" in said
    assert int(peak_mb) < 1000
