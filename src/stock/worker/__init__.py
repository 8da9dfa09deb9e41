"""Who does the work of connections: leases, readings, probes, imports, one request at a time."""
