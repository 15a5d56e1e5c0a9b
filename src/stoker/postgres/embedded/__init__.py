"""A real PostgreSQL from a wheel, for development and tests: found again, or started, in a folder of the project.

server    what callers use: start, stop, status
home      where the data are, and who may work on them
programs  initdb and postgres out of the wheel, and the user that runs them
cluster   the data: made whole or not at all, checked before a start
process   the server's process: found, ended
launch    the server's process: started
psql      PostgreSQL's own client, on a server
proof     nothing is written before the server has shown that it is the folder's own
"""

from stoker.postgres.embedded.psql import psql
from stoker.postgres.embedded.server import Server, elsewhere, is_made, start, status, stop

__all__ = ["Server", "elsewhere", "is_made", "psql", "start", "status", "stop"]
