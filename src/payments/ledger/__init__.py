"""What gives payments' money to orders: lines only ever added, and what each makes true."""
