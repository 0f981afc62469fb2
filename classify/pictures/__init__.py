"""Pictures in folders: found, decoded, augmented and fed to a network."""
