"""Tests of what the agent hears."""
