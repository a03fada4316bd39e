"""Commands that drive no study: parse, call, print."""
