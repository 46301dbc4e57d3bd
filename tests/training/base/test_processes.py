"""Several processes learn what one would learn from the whole batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.defaults import ROOT
from app.errors import TrainingError
from tests.support import ranks_worker
from training.base.processes import Ranks


def start(environment: dict[str, str], *words: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.ranks_worker", *map(str, words)],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("taught", [False, True], ids=["plain", "taught"])
def test_two_ranks_learn_what_one_learns(
    taught: bool, shapes_npz: Path, trained: Path, tmp_path: Path
) -> None:
    """The default network in float64: the same loss, centres and weights within 1e-5."""
    words = (shapes_npz, tmp_path, *([trained / "best.pt"] if taught else []))
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    runs = [start({**os.environ, **group, "RANK": str(r)}, *words) for r in (0, 1)]
    ranks_worker.main(*words)
    for run in runs:
        _, said = run.communicate(timeout=300)
        assert run.returncode == 0, said
    alone = torch.load(tmp_path / "rank0of1.pt")
    for rank in (0, 1):
        shared = torch.load(tmp_path / f"rank{rank}of2.pt")
        assert shared.keys() == alone.keys()
        for name, value in alone.items():
            torch.testing.assert_close(shared[name], value, rtol=0, atol=1e-5, msg=name)
    assert alone["losses"].std() > 0.01
    assert alone["centres"].abs().max() > 0.01


def test_one_process_alone_needs_no_group() -> None:
    alone = Ranks()
    whole = torch.arange(6)
    assert alone.is_first
    assert alone.take_share(whole) is whole
    assert alone.sum_over_ranks(whole) is whole
    assert alone.broadcast("x") == "x"
    alone.wait_for_all()


@pytest.mark.parametrize(("rank", "mine"), [(0, [0, 1]), (1, [2, 3]), (2, [4, 5])])
def test_each_rank_takes_its_share(rank: int, mine: list[int]) -> None:
    assert Ranks(rank, 3).take_share(torch.arange(6)).tolist() == mine


def test_batch_that_cannot_be_shared_is_refused() -> None:
    Ranks(0, 3).check_batch(6)
    with pytest.raises(TrainingError, match="batch of 8 cannot be shared by 3 processes"):
        Ranks(0, 3).check_batch(8)
