"""The one way from a film's file to its pixels."""
