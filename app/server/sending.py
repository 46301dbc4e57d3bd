"""Sends what waits for one visitor, and cuts the line of one who takes nothing."""

import asyncio
import contextlib

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from app.server.limits import SEND_TIMEOUT_S
from app.server.outbox import Outbox


async def send_all(connection: ServerConnection, outbox: Outbox) -> None:
    """Sends what comes into an outbox, until the connection closes.

    Cuts a connection that takes no message for `SEND_TIMEOUT_S`: it would keep a visitor's place.
    """
    with contextlib.suppress(ConnectionClosed):
        while True:
            await outbox.wait()
            while parts := outbox.take():
                for part in parts:
                    try:
                        async with asyncio.timeout(SEND_TIMEOUT_S):
                            await connection.send(part)
                    except TimeoutError:
                        connection.transport.abort()
                        return
