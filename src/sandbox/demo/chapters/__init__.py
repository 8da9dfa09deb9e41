"""The chapters of the story: one module each, with `TITLE` and `tell`."""
