"""The only door to Ultralytics' trainer: a job in, events out, in a child process."""
