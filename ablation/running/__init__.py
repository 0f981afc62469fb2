"""Running: the driver, its engines, and the trials that they train."""
