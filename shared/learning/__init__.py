"""Learning: keeps what came of what the agent did, and acts on it.

findings    the store of what reviews found, and of what people made of it
outcomes    what people make of them: the desk of flows/learn.py
learnings   lists what was learnt: a desk of flows/memory.py
signals     what people made of everything that was done, by run: what rewards are made of
replies     what people answer to findings, and what we say then: a desk of flows/learn.py
refusals    reads whether a reply refuses a finding in so many words
attention   how many findings a person is notified of in a day
dismissed   tells which findings people do not want to see again
likeness    how alike two claims are, and two pieces of code
meaning     tells by vectors which claims mean the same without a common word
moved       follows findings to where their files are now
rewards     what came of a run, as one number
choices/    arms that flows choose among, by policies that learn
evaluation/ what a policy would earn, before it is trusted
"""
