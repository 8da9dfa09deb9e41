"""Bank connections: an account, its limits, and the address that its bank notifies."""
