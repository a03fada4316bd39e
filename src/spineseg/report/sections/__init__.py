"""The sections of a study's page: what each says, beside the template that says it."""
