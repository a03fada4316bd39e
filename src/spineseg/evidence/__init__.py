"""What a study has shown: arms, effects, resampling, gates, and the sealed test part."""
