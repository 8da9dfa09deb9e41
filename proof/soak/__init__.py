"""`make soak`: both sides under load for as long as is asked, while a seeded adversary strikes."""
