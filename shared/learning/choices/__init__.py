"""Choices: arms that flows choose among, by policies that are learnt from what came of it.

desk        what flows choose with: a desk
examples    reads from the journal what was chosen, in which context, and what came of it
voices      bounds how much one person counts
tuning      how a policy learns: its arms and parameters
learners    the kinds of policies, by name: fixed and epsilon-greedy
thompson    Thompson sampling with a linear model of the context
linear      the model: Bayesian linear regression
q_learning  tabular Q-learning over several choices in a row
bounds      the least chance of an arm, the share that explores, mixtures
versions    the store of versions, of what is in force, and of the log
overview    reads what there is to see of choices, for the command line and the console
updating    lets policies go on learning in the background: a desk
withdrawal  notes which places are gone: a desk
trials      makes, tries, updates, promotes, holds and rolls back policies
"""
