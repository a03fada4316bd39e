"""Predictions -> matches -> metrics: the project's own yardstick, apart from the trainer's."""
