"""Pull requests: what flows do and ask there.

drafts    opens draft pull requests
reviews   submits reviews
changes   answers the query of reviews: what a pull request changes
diff      its changed files, with their hunks
"""
