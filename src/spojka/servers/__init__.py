"""The servers that Spojka brings along for machines that have none: PostgreSQL and Kafka."""
