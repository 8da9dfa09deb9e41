"""A stand-in for a POHODA company served by its mServer.

In three layers, each knowing only the ones above it:

- the company: `records`, `table`, `model`, `goods`, `sales`, `lookup`, `queries`, `seed`
  (no XML, no HTTP);
- the protocol: `settings`, `markup`, `reading`, `packs`, `schemas`, `context`, one module an
  agenda (`stock_list`, `store_list`, `movement_list`, `order_list` with `pricing`,
  `order_request` and `order_import`, `order_delete`), and `mserver` (requests in, answers out);
- the machine: `faults`, `interruptions`, `journal`, `state`, `worker`, `transport`,
  `connections`, `installation`, the doors (`xml_door`, `status`, `documents`, `control` with
  `ledger`), and `server`.

Start it by ``python -m sandbox.pohoda``, or inside a test by `sandbox.pohoda.server.running`.
"""
