"""The contracts' messages to the domain's values and back."""
