"""Stand-ins in memory of what a flow meets; `shared.testing` puts them together for tests.

database   the journal, the memory and the conversations, of as many runs as one test has
platform   GitHub and Slack: what became visible there, and what they answer
models     a model that says what a test wants, or else is the offline one
queue      the queue of a flow
timers     the clock: what is set for later
events     deliveries of GitHub and Slack, and ticks of schedules, as the ingress makes them events
"""
