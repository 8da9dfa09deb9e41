"""What decides on the goods side: pure values and functions, no SQL, no network, no clock."""
