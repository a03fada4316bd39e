"""Films in, outlined and numbered vertebrae out: networks, masks, outlines, numbering."""
