"""What an order is and how it may change: values in, values out."""
