"""The download of a Roboflow export: one version of one project, whole, in the cache."""
