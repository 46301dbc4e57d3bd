"""Whether a detection is a face: a small network of our own, on its aligned crop.

It learned from what MediaPipe's networks take for faces (`training.face_check`).
"""

from pathlib import Path

from app.alignment import is_alignable
from app.crops import align_faces
from app.defaults import MODELS
from app.errors import ModelError
from app.recognition.classifier import Classifier
from app.types import Face, Image

FACE_CHECK = MODELS / "face_check.onnx"
FACE = "face"


class FaceCheck:
    """Not for several threads. Raises `ModelError` where the file is missing or none."""

    def __init__(self, model: Path = FACE_CHECK) -> None:
        restore = "Restore the models folder of the project."
        if not model.is_file():
            raise ModelError(f"The face check {model} is missing. {restore}")
        self._classifier = Classifier(model, device="cpu", threads=1)
        if FACE not in self._classifier.labels:
            raise ModelError(f"{model} does not tell faces from what is none. {restore}")
        self._column = self._classifier.labels.index(FACE)

    def estimate_probability(self, image: Image, face: Face) -> float:
        """The probability, 0..1, that `face` is one; `image (H, W, 3)` uint8 BGR."""
        if not is_alignable(face.landmarks):
            return 0.0
        contract = self._classifier.contract
        crops = align_faces(
            image, [face], contract.template, contract.size_px, colour=contract.colour
        )
        return float(self._classifier.predict(crops)[0, self._column])

    @property
    def inferences(self) -> int:
        """What was asked of it so far."""
        return self._classifier.inferences

    @property
    def inference_s(self) -> float:
        """The seconds that it took for it."""
        return self._classifier.inference_s
