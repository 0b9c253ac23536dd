"""Work on memory in the background: re-embedding, consolidation and retention, per tenant."""
