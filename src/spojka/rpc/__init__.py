"""gRPC as every service speaks it: one wrapper around handlers, one way to call each other."""
