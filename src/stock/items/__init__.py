"""ItemService: items, their traces, holds and tasks as people see them."""
