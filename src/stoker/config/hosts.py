"""Host names: one alone, or several with their ports, as `db1,db2:5433,[::1]:5434`."""

from __future__ import annotations

import ipaddress
import re

_ONE = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?")
_LARGEST_PORT = 65_535


def split_hosts(text: str, port: int) -> list[tuple[str, int]]:
    """The hosts of a text with their ports.

    Args:
        text: One host, as an address without brackets; or several, separated by commas.
        port: Of those that have none of their own.

    Raises:
        ValueError: If one of several is no host.
    """
    if "," not in text:
        return [(text, port)]
    found = []
    for one in text.split(","):
        match = _ONE.fullmatch(one.strip())
        own = int(match["port"] or port) if match else 0
        if match is None or not 1 <= own <= _LARGEST_PORT:
            raise ValueError(
                "should be hosts separated by commas, each alone or with its port: db1,db2:5433,[::1]:5434"
            )
        found.append((match["v6"] or match["name"], own))
    return found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nobody listens on the way."""
    name = host.lower().rstrip(".")
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
