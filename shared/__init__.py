"""What flows are written with; see DESIGN.md for which file holds what."""
