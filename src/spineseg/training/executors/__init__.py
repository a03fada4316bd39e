"""Where attempts at runs are at work: on this machine, or on the nodes of a Ray cluster."""
