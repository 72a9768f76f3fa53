"""Time to an event: Kaplan-Meier, cumulative incidence."""
