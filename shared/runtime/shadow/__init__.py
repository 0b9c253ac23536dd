"""Shadow runs: a recorded run once more, with one step changed, and without effects.

- changes     what is changed, and at which step
- run         replays the records before the changed step, and commits nothing
- held        keeps what the run would do, and answers as the platforms did when it did the same
- models      asks another model, or with another prompt, in the changed step
- shadowing   builds the shadow of a run, and lives it
- difference  compares the recorded run with its shadow
"""
