"""Payments, the orders they may pay, and the ledger between them, in PostgreSQL.

Locks are taken in one order everywhere: payments before orders, each sorted by
id (`lock_payments`, then `lock_orders`). What was locked is read in a later
statement. Only `payments.ledger` writes lines, amounts and states.
"""
