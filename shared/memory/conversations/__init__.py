"""Short-term memory: the turns of conversations, their summaries, and the facts in them."""
