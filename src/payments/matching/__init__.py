"""Finds the order that a payment pays, and says why: values in, values out.

Nothing here reads a database, a network or a clock. `keys` says what a payment
looks for and what an order may be named by, `criteria` how an order is found,
`fitting` how one order stands to the payment, `deciding` what becomes of it,
`suggesting` what a person may want to do, `coverage` what is paid of an order.
"""
