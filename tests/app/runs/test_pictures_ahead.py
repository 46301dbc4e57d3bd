"""Pictures that are searched ahead come as they would one after the other."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.errors import DeviceError, SourceError
from app.runs.pictures_ahead import AHEAD, PicturesAhead
from app.sources.images import ImageSource
from app.types import Face, Image


def write_pictures(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{level:02d}.png" for level in range(count)]
    for level, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((20, 30, 3), level, np.uint8))
    return paths


class LevelSearch:
    """Finds in every picture one face, as wide as the picture's grey level. Of two threads, the
    first one that searches waits for the other."""

    together = threading.Barrier(2)

    def __init__(self, *, waits: bool = False, fails_at: int | None = None) -> None:
        self.waits, self.fails_at = waits, fails_at
        self.searched: list[int] = []
        self.threads: set[int] = set()
        self.is_closed = False

    def detect(self, image: Image) -> tuple[Face, ...]:
        level = int(image[0, 0, 0])
        if level == self.fails_at:
            raise RuntimeError(f"picture {level}")
        if self.waits and level < 2:
            self.together.wait(10)
        self.searched.append(level)
        self.threads.add(threading.get_ident())
        return (Face((0.0, 0.0, float(level), 1.0), np.zeros((6, 2), np.float32), 0.9),)

    def close(self) -> None:
        self.is_closed = True


def read_widths(ahead: PicturesAhead, source: ImageSource) -> list[tuple[str, float]]:
    source.open_files = ahead.open_files
    return [(frame.source, ahead.detect(frame.image)[0].width_px) for frame in source]


def test_two_threads_search_at_once_and_give_faces_in_order(tmp_path):
    paths = write_pictures(tmp_path, 9)
    first, second = LevelSearch(waits=True), LevelSearch(waits=True)
    with PicturesAhead(first, lambda: second, 2) as ahead:
        widths = read_widths(ahead, ImageSource(paths))
    assert widths == [(f"{level:02d}.png", float(level)) for level in range(9)]
    assert sorted(first.searched + second.searched) == list(range(9))
    assert first.searched
    assert second.searched
    assert (first.is_closed, second.is_closed) == (False, True)


def test_files_that_cannot_be_read_are_left_out_in_their_place(tmp_path):
    paths = write_pictures(tmp_path, 4)
    paths[1].write_bytes(b"no picture")
    paths[3].write_bytes(b"")
    source = ImageSource(paths)
    with PicturesAhead(LevelSearch(), LevelSearch, 2) as ahead:
        assert read_widths(ahead, source) == [("00.png", 0.0), ("02.png", 2.0)]
    in_turn = ImageSource(paths)
    assert [frame.index for frame in in_turn] == [0, 1]
    assert source.skip_reasons == in_turn.skip_reasons
    assert source.digests == in_turn.digests
    assert source.warning == in_turn.warning


def test_failure_of_a_search_comes_with_its_own_picture(tmp_path):
    source = ImageSource(write_pictures(tmp_path, 3))
    with PicturesAhead(LevelSearch(fails_at=1), LevelSearch, 1) as ahead:
        source.open_files = ahead.open_files
        frames = iter(source)
        assert ahead.detect(next(frames).image)[0].width_px == 0.0
        with pytest.raises(RuntimeError, match="picture 1"):
            ahead.detect(next(frames).image)
        assert ahead.detect(next(frames).image)[0].width_px == 2.0


def test_one_search_goes_on_where_there_is_no_memory_for_another(tmp_path):
    def fail() -> LevelSearch:
        raise DeviceError("There is too little memory here.")

    first = LevelSearch()
    with PicturesAhead(first, fail, 3) as ahead:
        widths = read_widths(ahead, ImageSource(write_pictures(tmp_path, 12)))
    assert [width for _, width in widths] == list(range(12))
    assert sorted(first.searched) == list(range(12))


@pytest.mark.parametrize(("max_bytes", "most"), [(1 << 20, 1 + AHEAD), (1, 1), (5000, 2)])
def test_pictures_ahead_are_bounded_in_number_and_bytes(tmp_path, max_bytes, most):
    # A picture takes 1,800 bytes and its file some 70.
    search = LevelSearch()
    paths = write_pictures(tmp_path, 8)
    with PicturesAhead(search, LevelSearch, 1, max_bytes=max_bytes) as ahead:
        opened = ahead.open_files(paths)
        next(opened)
        ahead._executor.submit(int).result()  # all that was begun is done
        assert len(search.searched) <= 1 + most
        assert len(list(opened)) == 7


def test_pictures_that_wait_are_dropped_at_the_end(tmp_path):
    search = LevelSearch()
    paths = write_pictures(tmp_path, 40)
    with PicturesAhead(search, LevelSearch, 1) as ahead:
        next(ahead.open_files(paths))
    assert len(search.searched) <= 2 + AHEAD
    with pytest.raises(RuntimeError):  # no thread is left
        next(ahead.open_files(paths))


def test_folder_without_a_readable_picture_fails_as_in_turn(tmp_path):
    paths = write_pictures(tmp_path, 2)
    for path in paths:
        path.write_bytes(b"\x89PNG\r\n\x1a\n, and no more")
    source = ImageSource(paths)
    with PicturesAhead(LevelSearch(), LevelSearch, 2) as ahead:
        source.open_files = ahead.open_files
        with pytest.raises(SourceError, match="No picture can be read"):
            list(source)
