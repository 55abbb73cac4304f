"""Nearest-neighbour libraries side by side on vectors of 256 numbers; run as `caselink bench ann`."""
