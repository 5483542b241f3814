"""The screen of ``unspool play``."""
