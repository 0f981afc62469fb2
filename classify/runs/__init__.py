"""Runs of training: the request, the folder with its files, and the use of the network."""
