"""Spojka on two hosts and a Kafka of three brokers, on a network that fails.

Hosts, brokers and PostgreSQL are network namespaces on the switches of a
private one, so that cables can be cut between any two of them. The machine's
own network is neither seen nor touched, and nothing of it outlives the run.
"""
