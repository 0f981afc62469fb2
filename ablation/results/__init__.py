"""What trials came to, kept in a store that loses nothing."""
