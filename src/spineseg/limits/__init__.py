"""What bounds a study: budgets, a deadline, silence, disk; and what of a run need not be kept."""
