"""The page, its sections and tables, the audit's page, overlays: results in, files out."""
