"""Answers with sources: what is cited stands, and every reader may see it."""
