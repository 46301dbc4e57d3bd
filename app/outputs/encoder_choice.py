"""Chooses the encoder of an annotated video from what the user asks for and what works here."""

from collections.abc import Sequence

from app.errors import SinkError
from app.outputs.encoder_trial import Attempt, list_working, try_encoder
from app.outputs.encoders import (
    AUTO,
    CODECS,
    CONTAINERS,
    ENCODERS,
    HARDWARE,
    SOFTWARE,
    Encoder,
    Encoding,
)


def choose_encoding(
    name: str | None, crf: int | None, container: str, attempt: Attempt = try_encoder
) -> Encoding:
    """Chooses the encoder of an annotated video.

    Args:
        name: The value of `--codec`. None: the container's usual codec, in software. A codec: this
            one, in software. An encoder: this one. `AUTO`: the first hardware encoder of the usual
            codec that works and is no slower than software.
        crf: The value of `--crf`; None: the encoder's own.
        container: FFmpeg's name of the container.
        attempt: Tries an encoder.

    Raises:
        SinkError: For an encoder that is unknown, does not work here, or does not go with the
            container or `crf`; says which work.

    >>> from app.outputs.encoder_trial import Trial
    >>> choose_encoding("vp9", None, "matroska", lambda one: Trial(one, why=None)).encoder.name
    'libvpx-vp9'
    """
    holds = CONTAINERS[container]
    usual = next(one for one in SOFTWARE if one.codec == holds[0])
    if name is None:
        return Encoding(usual, _check_crf(crf, usual))
    if name == AUTO:
        return _choose_quickest(crf, usual, attempt)
    if name in CODECS:
        encoder = next(one for one in SOFTWARE if one.codec == name)
    elif name in ENCODERS:
        encoder = ENCODERS[name]
    else:
        shown = name[:40].encode("unicode_escape").decode("ascii")
        raise SinkError(
            f"'{shown}' is no codec that is written here. {_format_choices(holds, attempt)}"
        )
    if encoder.codec not in holds:
        where = "Matroska" if container == "matroska" else f".{container}"
        raise SinkError(
            f"{where} files hold no {encoder.codec} here. {_format_choices(holds, attempt)} "
            "Or give -o another suffix."
        )
    _check_crf(crf, encoder)
    trial = attempt(encoder)
    if trial.why is not None:
        raise SinkError(
            f"{encoder.name} does not work here ({trial.why}). {_format_choices(holds, attempt)}"
        )
    return Encoding(encoder, crf)


def _check_crf(crf: int | None, encoder: Encoder) -> int | None:
    if crf is None:
        return None
    if encoder.crf_range is None:
        raise SinkError(f"{encoder.name} is told a bit rate and takes no --crf. Leave it out.")
    least, most = encoder.crf_range
    if not least <= crf <= most:
        raise SinkError(
            f"--crf {crf} is out of range: {encoder.name} takes {least} (best) to {most}; "
            f"{encoder.crf} is usual."
        )
    return crf


def _choose_quickest(crf: int | None, usual: Encoder, attempt: Attempt) -> Encoding:
    software = None
    for one in HARDWARE:
        if one.codec != usual.codec or (crf is not None and one.crf_range is None):
            continue
        trial = attempt(one)
        if trial.why is not None:
            continue
        software = software or attempt(usual)
        if software.why is not None or trial.frame_ms <= software.frame_ms:
            return Encoding(one, _check_crf(crf, one), fallback=usual)
    return Encoding(usual, _check_crf(crf, usual))


def _format_choices(codecs: Sequence[str], attempt: Attempt) -> str:
    working = list_working(codecs, attempt)
    names = [one.encoder.codec for one in working if not one.encoder.hardware]
    names += [one.encoder.name for one in working if one.encoder.hardware]
    return f"These work here: auto, {', '.join(names)}."
