"""Reviews of pull requests: comments on lines of the diff, in threads that can be resolved.

anchors            where a comment stands in the diff, and where after later pushes
placing            finds that in the repositories
refusals           what GitHub refuses of a review
reviews            what reviewers do
threads            what is done to the threads, and to the comments in them
views              as GitHub's JSON
endpoints          the REST endpoints of reviews
comment_endpoints  the REST endpoints of the comments in them
people             what people do in the sandbox
"""
