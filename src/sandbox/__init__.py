"""Stand-ins for the partner systems: for the demo and the tests, never imported by a service."""
