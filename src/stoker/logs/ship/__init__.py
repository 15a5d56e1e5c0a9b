"""Sends what a spool holds to S3, so that no caller ever waits for the network.

A process appends its lines to segments in a folder, the spool. Here complete segments are packed, put under keys that
depend on their content only, and removed once the store has confirmed them.
"""

from stoker.logs.ship.shipper import Shipper
from stoker.logs.ship.store import RefusedError, Store, StoreError

__all__ = ["RefusedError", "Shipper", "Store", "StoreError"]
