"""Values of the money side in the contracts' messages, and back."""
