"""Named views kept with the experiment: MLflow's own pages, arranged for a study."""
