"""The embedded system: everything that the flows run on, on one machine."""
