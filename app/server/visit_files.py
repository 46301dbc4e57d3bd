"""Takes the pictures and videos that a visitor drops on the page, one at a time."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.errors import RecogniserError
from app.live.remote import LiveState
from app.server.dropped_file import FileTurns, Upload, describe_failure, read_dropped_file
from app.server.outbox import Outbox
from app.server.page_messages import FileOffer
from app.server.visit_folder import VisitFolder
from app.server.visit_session import SharedNetworks, Worker
from app.types import Json

_Outcome = tuple[list[Path], str] | Exception  # the files and a line on them, or what went wrong


class VisitFiles:
    """The dropped files of one visitor. All methods belong to the event loop.

    Args:
        folder: Takes the files, and those that are made of them.
        networks: Read them.
        turns: Let the files of all visitors take turns.
        outbox: Takes the events of their frames.
        post: Sends the visitor a message.
        find_state: Returns the switches with which the next file is read.
    """

    def __init__(
        self,
        folder: VisitFolder,
        networks: SharedNetworks,
        turns: FileTurns,
        outbox: Outbox,
        *,
        post: Callable[[Json], object],
        find_state: Callable[[], LiveState],
    ) -> None:
        self._folder = folder
        self._networks = networks
        self._turns = turns
        self._outbox = outbox
        self._post = post
        self._find_state = find_state
        self._loop = asyncio.get_running_loop()
        self._upload: Upload | None = None
        self._task: asyncio.Task[None] | None = None
        self._worker: Worker | None = None

    async def begin(self, offer: FileOffer) -> None:
        """Makes room for a file that the page is about to send, or tells why not."""
        if self._upload is not None:
            self._post({"type": "error", "message": "One file at a time. Cancel the first one."})
            return
        if self._folder.is_full:
            line = "Load the page anew to read further files."
            self._tell("failed", message=line, number=offer.number)
            return
        try:
            folder = self._folder.make() / f"file_{time.monotonic_ns()}"
            folder.mkdir()
            self._upload = Upload(folder, offer)
        except (RecogniserError, OSError) as error:
            self._tell(
                "failed", message=describe_failure(error, self._folder.path), number=offer.number
            )
            return
        self._tell("reading", number=offer.number)

    async def store(self, content: bytes) -> None:
        """Stores a part of the file. Parts that were under way when it ended are dropped."""
        if self._upload is None or self._task is not None:
            return
        try:
            is_whole = await asyncio.to_thread(self._upload.add, content)
        except RecogniserError as error:
            await self.end(describe_failure(error, self._upload.path.parent))
            return
        if is_whole:
            self._task = asyncio.create_task(self._read(self._upload))

    async def end(self, line: str | None) -> None:
        """Gives the file up, if there is one; `line` tells the page why."""
        upload, self._upload = self._upload, None
        if upload is None:
            return
        task, self._task = self._task, None
        worker, self._worker = self._worker, None
        if task is not None:
            task.cancel()
        if worker is not None:
            worker.ask_to_stop()
            await asyncio.to_thread(worker.join)
        upload.close()
        if line is not None:
            self._tell("failed", message=line, number=upload.offer.number)
        await asyncio.to_thread(shutil.rmtree, upload.path.parent, ignore_errors=True)

    async def _read(self, upload: Upload) -> None:
        async with self._turns:
            finished: asyncio.Future[_Outcome] = self._loop.create_future()
            state, number = self._find_state(), upload.offer.number

            def work(is_stopped: Callable[[], bool]) -> None:
                outcome: _Outcome
                try:
                    outcome = read_dropped_file(
                        upload,
                        self._networks,
                        state,
                        self._outbox,
                        is_stopped=is_stopped,
                        progress=lambda done, total: self._tell(
                            "reading", done, total, number=number
                        ),
                    )
                except Exception as error:  # a visitor's file must end nothing but itself
                    outcome = error
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(_settle, finished, outcome)

            self._worker = Worker("dropped file", work)
            outcome = await finished
        folder = upload.path.parent
        if isinstance(outcome, Exception):
            self._tell("failed", message=describe_failure(outcome, folder), number=number)
        else:
            paths, line = outcome
            self._tell("done", message=line, files=self._folder.offer(paths), number=number)
        self._upload = self._task = self._worker = None
        upload.path.unlink(missing_ok=True)

    def _tell(
        self,
        state: str,
        done: int = 0,
        total: int | None = None,
        *,
        number: int | None,
        message: str | None = None,
        files: Sequence[Json] = (),
    ) -> None:
        self._post(
            {
                "type": "file",
                "number": number,
                "state": state,
                "done": done,
                "total": total,
                "message": message,
                "files": list(files),
            }
        )


def _settle(finished: "asyncio.Future[_Outcome]", outcome: _Outcome) -> None:
    if not finished.done():
        finished.set_result(outcome)
