"""Pictures in folders: listing, decoding and random crops."""
