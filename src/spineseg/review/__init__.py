"""A loop to mend labels: which films to look at, drawn, and as tasks for Label Studio."""
