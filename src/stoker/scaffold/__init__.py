"""New projects: `stoker init`.

names     what a project can be called
project   the files, written whole or not at all
template  the files themselves: base is a whole project, postgres has those that differ where rows go to PostgreSQL too
"""

from stoker.scaffold.names import check_name
from stoker.scaffold.project import make_project

__all__ = ["check_name", "make_project"]
