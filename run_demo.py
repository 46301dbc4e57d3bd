"""Reads facial expressions from a camera, a video, pictures or the demo clip.

python run_demo.py --camera 0
python run_demo.py --video clip.mp4 -o annotated.mp4 --records clip.jsonl
python run_demo.py --video talks/ --no-window --records .csv --jobs 2 --resume
"""

import os
import sys

try:
    import argparse
    from collections.abc import Sequence

    from app.cli.live_output_options import asks_live_outputs
    from app.cli.options import parse_options
    from app.process.console import CUT_SHORT, DONE, FAILED, run_command, say
    from app.process.native_stderr import redirect_native_stderr
    from app.process.signals import ignore_ctrl_c
    from app.requirements.system_needs import check_machine, explain_import_error
except KeyboardInterrupt:  # Ctrl-C while the program is loaded
    print("Interrupted.", file=sys.stderr)
    raise SystemExit(130) from None  # as `app.process.console.INTERRUPTED`


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program with the words of a command line. Returns the exit code."""
    # Nothing here computes with it, and each of its threads takes 32 MB as soon as it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = run_command(lambda: obey(argv))
    if argv is None:  # this is the whole program, and not a part of another one
        ignore_ctrl_c()
    return code


def obey(argv: Sequence[str] | None) -> int:
    """Reads the options and does what they ask for. Returns the exit code.

    Raises the project's errors. What the machine lacks is one line.
    """
    try:
        options = parse_options(argv)
        with redirect_native_stderr():
            return carry_out(options)
    except ImportError as error:
        line = explain_import_error(error)
        if line is None:
            raise
        say(f"error: {line}")
        return FAILED
    except BrokenPipeError:  # nobody is left who sees the live line
        return CUT_SHORT


def carry_out(options: argparse.Namespace) -> int:
    """Does the one thing that `options` ask for. Returns the exit code."""
    if options.doctor:  # it needs no package: any of them may be what lacks
        from app.diagnostics.doctor import run_doctor

        camera = options.camera and options.camera.target
        return run_doctor(model=options.model, camera=camera, as_json=bool(options.json))
    check_machine()
    if options.list_cameras:
        return list_cameras_here()
    if options.benchmark:
        from app.cli.measure import measure_speed

        return measure_speed(options)
    if options.serve is not None:
        from app.server.bind import check_websockets

        check_websockets()
        import cv2

        from app.cli.run_served import run_served

        return run_served(options)
    if options.video and options.no_window and not asks_live_outputs(options):
        from app.cli.run_videos import run_videos

        return run_videos(options)
    import cv2  # noqa: F401 - before PyAV is, or its window never shows a picture

    from app.cli.run_one import run_one

    return run_one(options)


def list_cameras_here() -> int:
    """Prints a line for each camera. Returns the exit code."""
    from app.sources.camera_list import print_cameras

    if print_cameras():
        return DONE
    say("No camera works here. Plug one in; --doctor says more.")
    return CUT_SHORT


if __name__ == "__main__":
    raise SystemExit(main())
