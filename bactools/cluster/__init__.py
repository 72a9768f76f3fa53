"""Study and workers in, finished images out; the only room that knows dask.distributed."""

from bactools.cluster.fill import Interrupted, run

__all__ = ["Interrupted", "run"]
