"""Where packages go."""

from __future__ import annotations

from typing import BinaryIO, Protocol


class StoreError(Exception):
    """A put that failed, and may have arrived all the same; the text is for people."""


class RefusedError(StoreError):
    """The store has refused, and will until somebody changes something: rights, a bucket, credentials."""


class Store(Protocol):
    """A place for objects."""

    where: str
    """How people name it, such as `s3://bucket/prefix`."""

    def put(self, key: str, body: BinaryIO) -> None:
        """Put an object, in place of one that has the key; returns when the store has confirmed it.

        Args:
            key: Below the place.
            body: At its beginning.

        Raises:
            StoreError: If it is not confirmed.
        """
