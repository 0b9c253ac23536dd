"""What flows are written with; see DESIGN.md for which file holds what."""

__version__ = "0.1.0"
