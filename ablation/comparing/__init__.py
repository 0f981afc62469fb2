"""What the results can tell: figures and the sentences they allow."""
