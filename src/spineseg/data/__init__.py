"""Sources -> merge -> split -> manifest: one 24-level dataset with a fingerprint."""
