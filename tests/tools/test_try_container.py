"""The Dockerfile and its try-out without an engine."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from app.server.gate import OPEN_PATHS
from app.server.serve_address import parse_serve_address
from tools.try_container import ROOT, Runner, Stage, copy_files, main, read_stages

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
BUILD, IMAGE = read_stages(DOCKERFILE)


def test_the_image_does_not_run_as_root() -> None:
    uid = IMAGE.find("USER")
    assert int(uid) > 0
    assert any(f"--uid {uid} " in words for name, words in IMAGE.steps if name == "RUN")
    order = [name for name, _ in IMAGE.steps]
    assert "RUN" not in order[order.index("USER") :]
    assert "COPY" not in order[order.index("USER") :]


def test_both_stages_are_of_one_release() -> None:
    assert BUILD.base == IMAGE.base == "debian:trixie-slim"


def test_the_health_check_asks_what_the_server_answers() -> None:
    words = IMAGE.find("HEALTHCHECK")
    asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", words)
    assert asked is not None
    host, port = json.loads(IMAGE.find("CMD"))[1].split(":")
    address = parse_serve_address(f"{host}:{port}")
    assert (address.host, address.port) == ("0.0.0.0", int(asked[1]))
    assert IMAGE.find("EXPOSE") == port
    assert asked[2] in OPEN_PATHS  # without the token


def test_the_image_has_the_readmes_system_libraries() -> None:
    wanted = re.search(
        r"apt-get install -y (python3-venv.*)$", (ROOT / "README.md").read_text("utf-8"), re.M
    )
    assert wanted is not None
    installed = next(words for name, words in IMAGE.steps if name == "RUN").split()
    for name in wanted[1].split()[1:]:
        assert any(word.removesuffix("t64") == name for word in installed), name


def test_the_context_has_what_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    copied = [
        source
        for name, words in BUILD.steps
        if name == "COPY"
        for source in words.split()[:-1]
    ]  # fmt: skip
    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / source).exists() for source in copied)


def test_every_version_is_pinned() -> None:
    lines = [words for name, words in BUILD.steps if name == "RUN"]
    assert any(re.search(r"uv==\d+\.\d+\.\d+$", words) for words in lines)
    assert any("--constraint constraints.txt" in words for words in lines)
    for words in (w for stage in (BUILD, IMAGE) for n, w in stage.steps if n == "RUN"):
        if "apt-get install" in words:
            assert "--no-install-recommends" in words
            assert words.endswith("rm -rf /var/lib/apt/lists/*")


def test_compose_publishes_the_page_to_this_machine_alone() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r'- "(\S+:8765)"', text) == ["127.0.0.1:8765:8765"]
    assert "/dev/video0:/dev/video0" in text
    assert '"0.0.0.0:8765"' in text


@pytest.mark.parametrize(
    ("words", "made"),
    [
        ("--from=build /a /b", "b/one.txt"),
        ("--from=build /a/one.txt /c/", "c/one.txt"),
        ("--from=build a/one.txt two.txt", "work/two.txt"),
    ],
)
def test_copy_puts_files_where_a_build_does(tmp_path: Path, words: str, made: str) -> None:
    build, root = tmp_path / "build", tmp_path / "root"
    (build / "a").mkdir(parents=True)
    (build / "a" / "one.txt").write_text("one")
    copy_files(words, Stage("debian", "", folder="/work"), root, {"build": build})
    assert (root / made).read_text() == "one"


def test_commands_run_as_the_user_with_the_variables_of_the_stage() -> None:
    stage = Stage("debian", "", environment={"A": "b c"}, folder="/data", user="me")
    words = Runner(["/x"], {"P": "q"}).command(stage, Path("/r"), ["echo", "1 2"])
    line = words[-1]
    assert fnmatch(line, "mount -t proc proc /r/proc*mount --bind /x /r/x*exec chroot*")
    assert "--userspec=me /r " in line
    assert "A=b c" in line
    assert "P=q" in line
    assert line.endswith(" /data")


def test_a_base_that_is_none_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path} is no root of Debian.\n"
