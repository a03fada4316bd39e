"""What a person may choose: checked models, and the YAML files that they are read from."""
