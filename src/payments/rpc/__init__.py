"""The service's calls over gRPC."""
