"""What `make setup` installs: runs before anything is there, on Python and its pip alone."""
