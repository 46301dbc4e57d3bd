"""A contract with a value in every field."""

from app.alignment import FACE_TEMPLATE
from app.contract import Contract, EmbeddingFacts, TrainingData

CONTRACT = Contract(
    labels=("calm", "joy", "Ärger"),
    colour="grey",
    size_px=48,
    mean=(0.5,),
    std=(0.25,),
    template=FACE_TEMPLATE,
    temperature=0.8,
    method="DACL",
    recipe={"train": {"epochs": 3}},
    training_data=TrainingData("own", "abc", (0.5, 0.3, 0.2)),
    metrics={"accuracy": 0.9},
    licence="MIT",
    probe_logits=((1.0, 2.0, 3.0),),
    unsure_below=0.5,
    unsure_above_nats=0.9,
    prior_correction=0.25,
    corrected_temperature=0.6,
    embedding=EmbeddingFacts(mean=(0.5, 0.0), std=(0.25, 0.0)),
)
