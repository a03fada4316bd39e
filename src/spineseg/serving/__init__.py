"""The page to try a study's models on: films in, outlines to look at, nothing kept."""
