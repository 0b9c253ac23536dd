"""Learning: keeps what came of what the agent did, and acts on it.

findings    the store of what reviews found, and of what people made of it
dismissed   tells which findings people do not want to see again
"""
