"""`run_demo.py --serve` as its users call it."""

import json
import os
import signal
import socket
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest
from websockets.sync.client import connect

from app.defaults import ROOT
from app.server.serve_address import parse_origin, parse_serve_address
from tests.support.program import called
from tests.support.subprocesses import run_without_packages


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--serve", "203.0.113.7:8765"), "is no address of this machine"),
        (("--serve", "no-such-host.invalid:1"), "the host no-such-host.invalid is not known"),
        (("--serve", "0", "--image", "a.png"), "leave --image out"),
        (("--serve", "0", "--records", "a.csv"), "Outputs need a source"),
        *(
            (("--serve", "0", *words.split()), f"{words.split()[0]} needs a source of this machine")
            for words in ("--every 2", "--start 5", "--fps 5", "--size 9x9", "--realtime")
        ),
        *(
            (("--serve", "0", *words.split()), f"{words.split()[0]} needs a source of this machine")
            for words in ("--overwrite", "--crf 20", "--record-dir /", "--window")
        ),
        (("--serve", "0", "--video", "none.mp4"), "none.mp4"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    code, said = called(tmp_path, *words)
    assert code == 2
    assert said.startswith("error: ")
    assert line in said
    assert said.count("\n") == 1


def test_a_port_in_use_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = called(tmp_path, "--serve", str(port))
    assert (code, said) == (
        2,
        f"error: --serve 127.0.0.1:{port}: the port is in use. Name another one, such as --serve "
        f"{port + 1}.\n",
    )


@pytest.mark.parametrize(
    "text", ["", "a b:1", ":1", "1:70000", "host:port", "http://a:1", "70000", "[::1", "[a]:b:1"]
)
def test_no_address(text: str) -> None:
    with pytest.raises(Exception, match=r"no \[HOST:\]PORT|a port is"):
        parse_serve_address(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("-1", "'-1': a port is a number from 0 to 65535"),
        ("::1:8765", "'::1:8765': an address of IPv6 stands in brackets, such as [::1]:8765"),
        ("::1", "'::1': an address of IPv6 stands in brackets, such as [::1]:8765"),
        ("fe80::2:80", "'fe80::2:80': an address of IPv6 stands in brackets, such as [fe80::2]:80"),
    ],
)
def test_a_wrong_address_is_told_what_is_meant(text: str, line: str) -> None:
    with pytest.raises(ArgumentTypeError) as failure:
        parse_serve_address(text)
    assert str(failure.value) == line


@pytest.mark.parametrize("text", ["https://a:99999", "https://[", "ftp://a", "https://a/b"])
def test_no_origin(text: str) -> None:
    with pytest.raises(Exception, match="is no origin"):
        parse_origin(text)


@pytest.mark.slow
def test_without_the_extra_the_install_line_is_said() -> None:
    code = "import run_demo; raise SystemExit(run_demo.main(['--serve', '0']))"
    ended = run_without_packages("websockets", code)
    assert ended.returncode == 2
    assert ended.stderr == (
        "error: --serve needs the package websockets: python -m pip install -c constraints.txt "
        "-e '.[live]'\n"
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_ends_it_with_whole_outputs(tmp_path: Path) -> None:
    words = ("--serve", "0", "--demo", "--model", "small_int8", "--records", "r.jsonl")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run_demo.py"), *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )
    try:
        assert process.stderr is not None
        address = next(
            line.split()[-1] for line in process.stderr if line.startswith("The page is at")
        )
        with connect(f"ws{address.removeprefix('http')}events") as client:
            sent = [json.loads(client.recv(30)) for _ in range(5)]
            process.send_signal(signal.SIGINT)
            said = ""
            while "what was finished" not in said:
                said += process.stderr.readline()
            process.send_signal(signal.SIGINT)  # while the interpreter ends
            said += process.stderr.read()
        assert process.wait(30) == 130, said
    finally:
        process.kill()
        process.communicate()
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    frames = {row["frame"] for row in rows}
    assert {one["frame"] for one in sent if one["type"] == "frame"} <= frames
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.jsonl", "r.run.json"]
    assert "Interrupted; what was finished is complete." in said
