"""Orders on their way into the warehouse system, and the holds that follow them."""
