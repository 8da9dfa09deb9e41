"""The order book and the sales channels."""
