"""What `stoker doctor` looks at: the machine, the libraries, the configuration, and on request the servers.

finding      one line of the report
examine      all checks, in the order of the report
machine      Python, memory, disk, ports, open files
libraries    Java, Spark, and the packages around it
clock        time zones
project      the configuration of each environment, and its jobs
places       the folders and buckets of one environment
connections  PostgreSQL, embedded or not, and secrets
shipping     dependencies that do not load from a zip
session      a Spark session with one query

A check never raises: what it cannot look at is a finding too.
"""

from stoker.doctor.examine import Asked, examine
from stoker.doctor.finding import Finding, Verdict

__all__ = ["Asked", "Finding", "Verdict", "examine"]
