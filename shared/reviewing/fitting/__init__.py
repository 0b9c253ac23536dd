"""Fitting: brings a change into calls to a model.

room          how much a call holds
hidden        finds the hunks that GitHub does not show
comparing     compares two texts by lines
sorting       leaves out files that need no review
surroundings  shows hunks with the code around them
outline       tells a change in few lines
packing       ranks files, numbers their lines, and packs them into calls
"""
