"""What people decide about payments: pure, over values; nothing here reads or writes."""
