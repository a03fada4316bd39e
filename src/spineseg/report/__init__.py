"""Tables, figures, overlays and the HTML page: plain data in, files out."""
