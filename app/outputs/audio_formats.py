"""Lists the audio codecs that containers of annotated videos hold, and what replaces the others."""

import contextlib
import io
from collections.abc import Sequence

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

# By FFmpeg's names of containers: the codecs that usual players play there. All others become AAC.
COPIED = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le"}),
    "webm": frozenset({"opus", "vorbis"}),
}
ENCODERS_ELSE = {"webm": "libopus"}  # where AAC is not allowed
OPUS_RATE_HZ = 48_000
AAC_RATES_HZ = frozenset(
    {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
)
MONO_BITS_PER_S = 96_000
STEREO_BITS_PER_S = 192_000


def may_copy(codec: str, output: OutputContainer) -> bool:
    """Returns whether audio of a codec (FFmpeg's name) is copied into a container as it is."""
    return codec in (COPIED.get(output.format.name) or output.supported_codecs)


def takes_packets(
    format_name: str,
    stream: AudioStream,
    first: "Sequence[Packet[AudioStream] | Packet[Stream]]",
) -> bool:
    """Tries whether a container takes an audio stream and its first packets. Some refuse a stream
    although they know its codec.

    Args:
        format_name: FFmpeg's name of the container.
        stream: The stream to copy.
        first: Its first packets.
    """
    try:
        with av.open(io.BytesIO(), "w", format=format_name) as trial:
            to = trial.add_stream_from_template(stream)
            for number, packet in enumerate(first):
                tried: Packet[Stream] = Packet(bytes(packet))
                tried.pts = tried.dts = number * max(1, packet.duration or 1)
                tried.time_base, tried.stream = packet.time_base, to
                with contextlib.suppress(av.error.InvalidDataError):
                    trial.mux(tried)  # a damaged packet is no fault of the container
    except (av.FFmpegError, OSError, ValueError):
        return False
    return bool(first)


def choose_encoder(format_name: str, heard: AudioCodecContext) -> tuple[str, int, str]:
    """Chooses how audio that cannot be copied is encoded.

    Args:
        format_name: FFmpeg's name of the container.
        heard: The codec context of the source's track.

    Returns:
        FFmpeg's name of the encoder, the samples per second, and the layout, "mono" or "stereo".
    """
    codec = ENCODERS_ELSE.get(format_name, "aac")
    rate_hz = OPUS_RATE_HZ
    if codec == "aac" and heard.sample_rate in AAC_RATES_HZ:
        rate_hz = heard.sample_rate
    return codec, rate_hz, "mono" if heard.layout.nb_channels == 1 else "stereo"
