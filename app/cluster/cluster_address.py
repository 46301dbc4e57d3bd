"""Reads the address of a cluster. Nothing here needs a package."""

import argparse
import re
from typing import NamedTuple

MAX_PORT = 65_535


class ClusterAddress(NamedTuple):
    """The host and the port of a cluster's head."""

    host: str
    port: int


def split_cluster_address(text: str) -> ClusterAddress | None:
    """Splits HOST:PORT; None for another text.

    >>> split_cluster_address("head:6379"), split_cluster_address("head")
    (ClusterAddress(host='head', port=6379), None)
    """
    found = re.fullmatch(r"(?P<host>[^\s:/]+):(?P<port>[0-9]{1,5})", text)
    if found is None or int(found["port"]) > MAX_PORT:
        return None
    return ClusterAddress(found["host"], int(found["port"]))


def describe_no_address(text: str) -> str:
    """Says in one line that a text is no address of a cluster.

    >>> describe_no_address("")
    "'' is no address of a cluster. Give HOST:PORT, such as head:6379."
    """
    return f"{text!r} is no address of a cluster. Give HOST:PORT, such as head:6379."


def parse_cluster_address(text: str) -> str:
    """Reads the argument of `--address`. Raises `ArgumentTypeError`."""
    if split_cluster_address(text) is None:
        raise argparse.ArgumentTypeError(describe_no_address(text))
    return text
