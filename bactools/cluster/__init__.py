"""Study and workers in, finished images out; the only room that knows dask.distributed."""

from bactools.cluster.fill import Interrupted, run
from bactools.cluster.workers import CannotStart, remote_client

__all__ = ["CannotStart", "Interrupted", "remote_client", "run"]
