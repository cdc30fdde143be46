"""Gridspace Sift: connections, the routines they follow, and the tokens of its browser clients."""
