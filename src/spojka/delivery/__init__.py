"""Delivery: events move from each service's outbox to Kafka and from Kafka into handlers.

Nothing is lost and nothing has its effect twice (DESIGN §3). The relay
publishes what transactions wrote; consumers hand it to handlers inside one
PostgreSQL transaction; what can't be handled becomes a dead letter.
"""
