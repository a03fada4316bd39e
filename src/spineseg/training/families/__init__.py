"""How a network of each family is trained: a module a family, under its name."""
