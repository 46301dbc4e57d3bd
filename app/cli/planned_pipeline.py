"""Builds the pipeline of a planned run over a stream."""

from app.pipeline import Pipeline, build_pipeline
from app.runs.networks import LoadedNetworks
from app.runs.plan import RunPlan
from app.sources.base import Source
from app.teaching.taught_face import TaughtFace


def build_planned_pipeline(
    plan: RunPlan,
    source: Source,
    networks: LoadedNetworks,
    taught: TaughtFace,
    *,
    with_quality: bool,
) -> Pipeline:
    """Builds the pipeline that reads `source` with the settings of `plan`. `with_quality` is as in
    `build_pipeline`."""
    return build_pipeline(
        networks.search,
        networks.classifier,
        source.mode,
        smoothing_s=plan.recognition.smoothing_s,
        exact=plan.recognition.exact,
        with_resting_faces=True,
        thorough=plan.view.blur,
        with_quality=with_quality,
        actions=networks.actions,
        taught=taught,
    )
