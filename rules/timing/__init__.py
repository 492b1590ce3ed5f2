"""When each occurrence is due: grids, anchors, cycles, clocks, closures."""
