"""The git of the sandbox's repositories.

commits      the objects: blobs, trees and commits, named as git does
hunks        two versions of a text as hunks
comparing    two commits: the files that differ, as patches and as git's own text
merging      two versions of files as one
contents     what is at a path of a commit
views        commits, trees, comparisons and pushes as GitHub's JSON
pushes       what people do to branches and repositories
endpoints    the REST endpoints
"""
