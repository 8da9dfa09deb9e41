"""The merchant's rules of matching: what may be set, what holds, and every revision of it."""
