"""How burden grows: rates per year of women, of groups, and what goes with them."""

from bactools.stats.trajectories.fit import Trajectories, trajectories

__all__ = ["Trajectories", "trajectories"]
