"""Tools for testing with resforge: hypothesis strategies that draw whole networks."""
