"""How a plan looks: table, picture, notebook."""
