"""How the training commands speak: options from dataclasses, bars on terminals, one-line ends."""

import argparse
import importlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from app.defaults import ROOT
from app.errors import DataError
from training.base.cli import add_options, collect_given_options, run_entry_point
from training.base.progress import describe_time_left, print_line, track_progress


@dataclass(frozen=True, slots=True)
class Settings:
    side_px: int = field(default=3, metadata={"help": "how wide, 100 % of it"})
    rate: float = field(default=0.5, metadata={"help": "how fast"})
    kind: Literal["round", "square"] = field(default="round", metadata={"help": "which"})
    loud: bool = field(default=False, metadata={"help": "whether"})
    place: Path | None = field(default=None, metadata={"help": "where"})


def parse(*options: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_options(parser, Settings)
    return collect_given_options(vars(parser.parse_args(options)), Settings)


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ([], {}),
        (["--side-px", "3"], {"side_px": 3}),
        (["--rate", "1e-3", "--kind", "square"], {"rate": 0.001, "kind": "square"}),
        (["--loud"], {"loud": True}),
        (["--no-loud", "--place", "a/b"], {"loud": False, "place": Path("a/b")}),
    ],
)
def test_only_what_was_said_is_chosen(options: list[str], values: dict[str, Any]) -> None:
    assert parse(*options) == values


@pytest.mark.parametrize("options", [["--side-px", "x"], ["--kind", "oval"], ["--what", "1"]])
def test_option_that_makes_no_sense_ends_with_2(options: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(*options)
    assert ended.value.code == 2


def test_help_names_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "--side-px N how wide, 100 % of it (default: 3)" in shown
    assert "--kind {round,square} which (default: round)" in shown
    assert "--place PATH where" in shown
    assert "None" not in shown


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("main", "code", "said"),
    [
        (lambda: 0, 0, ""),
        (lambda: 1, 1, ""),
        (raising(DataError("No such picture.")), 2, "error: No such picture.\n"),
        (raising(KeyboardInterrupt()), 130, "Interrupted.\n"),
    ],
)
def test_commands_end_in_one_line(
    main: Callable[[], int], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_entry_point(main) == code
    assert capsys.readouterr() == ("", said)


def test_error_of_the_program_itself_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_entry_point(raising(ZeroDivisionError()))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "drawn"), [(io.StringIO, False), (Terminal, True)])
def test_bar_is_drawn_on_terminals_alone(
    stream: Callable[[], io.StringIO], drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    notes = iter("abc")
    bar = track_progress([1, 2, 3], note=lambda: f"note {next(notes)}", desc="faces", mininterval=0)
    assert list(bar) == [1, 2, 3]
    shown = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert ("faces" in shown, "note" in shown) == (drawn, drawn)


def test_line_does_not_break_into_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    termios = pytest.importorskip("termios", reason="there are no such terminals here")
    leader, follower = os.openpty()
    with open(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setattr(sys, "stdout", terminal)
        for columns in (0, 60):
            termios.tcsetwinsize(follower, (20, columns))
            for _ in track_progress([1], desc="faces", leave=False):
                print_line("epoch 1")
            print("end", file=terminal, flush=True)
            shown = ""
            while not shown.endswith("end\r\n"):  # a terminal hands over what it has, in parts
                shown += os.read(leader, 4096).decode()
            before, after = shown.split("epoch 1\r\n")
            assert ("faces" in before, "faces" in after) == ((columns > 0,) * 2)
            assert not before or before.endswith("\r")  # the bar's line is wiped before it
    os.close(leader)


def test_without_tqdm_items_just_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(track_progress(iter("abc"), note=lambda: "", total=3, leave=False)) == [
        "a",
        "b",
        "c",
    ]


def test_line_now_and_then_says_the_same_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    times = iter([0.0, 10.0, 30.0, 40.0, 300.0])
    items = track_progress([1, 2, 3, 4], desc="faces", unit="picture", clock=lambda: next(times))
    assert list(items) == [1, 2, 3, 4]
    assert sys.stderr.getvalue() == (  # type: ignore[attr-defined]
        "faces: 2 of 4 pictures, less than a minute left\n"
    )
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    times = iter([0.0, 600.0])
    steps = iter([7])
    assert list(
        track_progress(
            steps, initial=5, total=20, unit="step", note=lambda: "A", clock=lambda: next(times)
        )
    ) == [7]
    assert sys.stderr.getvalue() == "A: 6 of 20 steps, about 2 h 20 min left\n"  # type: ignore[attr-defined]
    assert describe_time_left(150) == "about 2 min left"


COMMANDS = sorted(
    path.stem
    for path in (ROOT / "training").glob("*.py")
    if "\ndef parser()" in path.read_text(encoding="utf-8")
)


def test_unit_with_a_plural_of_its_own_is_written_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    times = iter([0.0, *(40.0 * n for n in range(1, 4))])
    items = track_progress(
        range(3), desc="faces", unit="batch", units="batches", clock=lambda: next(times)
    )
    assert list(items) == [0, 1, 2]
    assert sys.stderr.getvalue() == (  # type: ignore[attr-defined]
        "faces: 1 of 3 batches, about 1 min left\nfaces: 2 of 3 batches, about 1 min left\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_mistyped_command_gets_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = importlib.import_module(f"training.{command}").parser()
    for words in ([], ["--no-such-option"]):
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(words)
        assert ended.value.code == 2
        out, err = capsys.readouterr()
        assert (out, err[:7], err.count("\n")) == ("", "error: ", 1)
        assert err.endswith(" See --help.\n")
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m training.{command} ")


def test_reader_that_has_had_enough_is_no_error() -> None:
    code = (
        "from training.base.cli import run_entry_point\n"
        "def main():\n"
        "    for _ in range(20_000): print('x' * 80)\n"
        "    return 0\n"
        "raise SystemExit(run_entry_point(main))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.readline()
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait(30) == 1
