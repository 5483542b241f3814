"""What sweeps alone use, public as well: ``Range``."""

from unspool._sweeping.space import Range

__all__ = ["Range"]
