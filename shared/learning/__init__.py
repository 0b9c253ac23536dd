"""Learning: keeps what came of what the agent did, and acts on it.

findings    the store of what reviews found, and of what people made of it
outcomes    what people make of them: the desk of flows/learn.py
attention   how many findings a person is notified of in a day
dismissed   tells which findings people do not want to see again
likeness    how alike two claims are, and two pieces of code
moved       follows findings to where their files are now
"""
