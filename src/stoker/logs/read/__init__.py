"""Reads log lines back: from files, a spool and S3, merged by time."""

from stoker.logs.read.filters import Wanted
from stoker.logs.read.follow import Follower
from stoker.logs.read.line import LogLine
from stoker.logs.read.merge import merged
from stoker.logs.read.places import FilesPlace, LogFile, Place, SpoolPlace
from stoker.logs.read.s3 import S3Place

__all__ = ["FilesPlace", "Follower", "LogFile", "LogLine", "Place", "S3Place", "SpoolPlace", "Wanted", "merged"]
