"""Pictures in folders: listing, decoding, random crops and batches."""
