"""YOLO's trainings: the only door to Ultralytics' trainer."""
