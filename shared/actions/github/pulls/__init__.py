"""Pull requests: what flows do and ask there.

sections  the section of the agent in a body, as a value
bodies    writes it
drafts    opens draft pull requests
reviews   submits reviews
threads   replies in their threads, and resolves them
checks    reports checks of a head commit
failures  answers what is red: check runs, statuses, logs of jobs
changes   answers the query of reviews: what a pull request changes
trees     compares the trees of two commits, for changes with more files than GitHub lists
diff      its changed files, with their hunks
"""
