"""Listings of channels: which item each is, and what each is offered."""
