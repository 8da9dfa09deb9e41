"""A mail's bytes taken apart: headers, structure, text."""
