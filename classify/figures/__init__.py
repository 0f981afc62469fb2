"""Pictures of what a run came to; drawn with matplotlib."""
