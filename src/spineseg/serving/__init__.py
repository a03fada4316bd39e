"""Films in as bytes, answers out: what the served model and the page to try it share."""
