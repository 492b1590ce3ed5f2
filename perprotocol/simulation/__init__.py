"""Synthetic participants who do as a protocol says, and faults put into them. Nothing of `rules` is used here.

What must be found of a fault follows from the protocol alone: the engine is measured against it, never asked.
"""
