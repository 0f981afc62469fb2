"""Comparing: figures of arms and of pairs of arms, and the sentences that state them."""
