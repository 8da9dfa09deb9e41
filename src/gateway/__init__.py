"""The edge: one public gRPC address, and HTTP for impulse URLs and health (DESIGN §9)."""
