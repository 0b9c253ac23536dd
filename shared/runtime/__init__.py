"""The runtime of every flow.

- function     the Lambda entry point
- composition  builds what a process shares, and the handler of its flow
- worker       hands the records of a queue to the runs
- as_opened    tells if a flow did already what a label of the opening asks
- own_voice    tells what the agent did itself, which causes nothing
- lifecycle    lives one run: claim it, let the agent work, finish or fail
- telling      shows people how a run stands, and why it fails or waits
- wanted       whether people want a run: pauses, settings of a channel
- spreading    an event for each place of a schedule
- patience     what becomes of a run after an error: a pause, or the end
- sweeping     sends again the runs that stand still
- machine      sends the states of plans to shared/planning/states
"""
