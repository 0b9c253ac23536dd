"""Pull requests: what flows do and ask there.

drafts    opens draft pull requests
reviews   submits reviews
threads   replies in their threads, and resolves them
checks    reports checks of a head commit
failures  answers what is red: check runs, statuses, logs of jobs
changes   answers the query of reviews: what a pull request changes
diff      its changed files, with their hunks
"""
