"""Tells faces from patterns with a small network of this project, on the aligned crop.

The network learned from what MediaPipe's networks take for faces (`training.face_check`).
"""

from pathlib import Path

from app.alignment import is_alignable
from app.crops import align_faces
from app.defaults import MODELS
from app.errors import ModelError
from app.recognition.classifier import Classifier
from app.types import Face, Image

FACE_CHECK = MODELS / "face_check.onnx"
FACE = "face"  # the label of the network's class for faces


class FaceCheck:
    """The face check's network, on one thread of the CPU. It must not be shared by threads.

    Raises:
        ModelError: The file is missing, or is no such network.
    """

    def __init__(self, model: Path = FACE_CHECK) -> None:
        restore = "Restore the models folder of the project."
        if not model.is_file():
            raise ModelError(f"The face check {model} is missing. {restore}")
        self._classifier = Classifier(model, device="cpu", threads=1)
        if FACE not in self._classifier.labels:
            raise ModelError(f"{model} does not tell faces from what is none. {restore}")
        self._column = self._classifier.labels.index(FACE)

    def estimate_probability(self, image: Image, face: Face) -> float:
        """Estimates how likely a detection is a face.

        Args:
            image: The frame, uint8 (H, W, 3) BGR.
            face: The detection in it.

        Returns:
            A probability, 0 to 1; 0 where the landmarks give no crop.
        """
        if not is_alignable(face.landmarks):
            return 0.0
        contract = self._classifier.contract
        crops = align_faces(
            image, [face], contract.template, contract.size_px, colour=contract.colour
        )
        return float(self._classifier.predict(crops)[0, self._column])

    @property
    def inferences(self) -> int:
        """The number of times that the network has run so far."""
        return self._classifier.inferences

    @property
    def inference_s(self) -> float:
        """The time in seconds that the network has taken so far."""
        return self._classifier.inference_s
