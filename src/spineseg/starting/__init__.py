"""A study of one's own films begun: what lies in a folder, whose it is, what it can carry."""
