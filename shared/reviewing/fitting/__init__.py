"""Fitting: brings a change into calls to a model.

room          how much a call holds
packing       ranks files, numbers their lines, and packs them into calls
"""
