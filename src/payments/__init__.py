"""The money side: bank payments, the orders they pay, and why."""
