"""Guards around a model: they keep calls within limits and repeat those that may pass.

guarded_model      a chat model with all guards; names their order
guarded_embedding  an embedding model with the guards that it needs
retrying           repeats a call that failed for the moment
limiter            queues the calls of this process, as many at a time as the model takes
congestion         learns how many calls that is
circuit_breaker    stops calling a server that only fails
account_limits     MODEL_LIMITS: calls, tokens and dollars of all functions together
ceilings           BUDGETS: who may spend how much a day
budgets            counts what they spend, and refuses more
output_limits      learns how long answers are, to ask for no more tokens than needed
"""
