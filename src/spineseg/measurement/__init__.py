"""What outlines say of a spine's shape, in degrees and ratios: geometry, never a diagnosis."""
