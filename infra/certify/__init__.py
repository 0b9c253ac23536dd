"""./scripts/flows certify: kills a flow everywhere and compares what it leaves with a calm run.

- certifying  the campaign: calm runs, kills, doubles, lost answers
- report      what was covered, and where something was lost or doubled
- world       the sandbox GitHub and Slack, AWS and the database, which can be wound back
- story       what people do in that world, until it wakes the flow
- killing     database, models and platforms that die, stop or lose an answer where they are told to
- process     forks a process for each delivery; tests/crash uses it too
- handing     hands one delivery to a flow in such a process
- watching    sees a flow that asks the clock, chance or the disk
"""
