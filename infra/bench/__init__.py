"""The test bench: one prompt over a huge input, side by side on several models, and a report."""
