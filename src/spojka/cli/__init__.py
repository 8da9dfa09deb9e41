"""The command line (DESIGN §10): one small module for each group of commands."""
