"""Test films that were opened, film by film: by whom, for what, and where they are met again."""
