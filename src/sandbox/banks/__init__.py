"""Stand-ins for three banks that notify their clients by mail, and the DNS that proves them.

In layers, each knowing only those above it:

- the books: `ledger` (accounts, movements, balances);
- the writing: `letter` (a mail's bytes), `printing` (amounts), one module a bank's form
  (`fio`, `csob`, `tatra`) behind `form`, `signing` (DKIM with a key of its own);
- the sending: `faults`, `courier` (SMTP from the bank's own loopback address, with retries),
  `bank` (one bank, put together);
- the world around: `zone` and `dns_server` (what DNS says of the banks), `loopback` (whether
  this machine has their addresses), `street` (all banks, running), `control` (an HTTP page
  for people, tests and demos).

The real senders are played inside this zone only: whoever asks another DNS finds nothing of it.
"""

from sandbox.banks.bank import Bank, Posted
from sandbox.banks.courier import GaveUp, Refused
from sandbox.banks.faults import Effect, Fault
from sandbox.banks.ledger import Account, Movement, Transfer
from sandbox.banks.loopback import LoopbackMissing
from sandbox.banks.street import Street, running
from sandbox.banks.zone import Trouble, Zone

__all__ = [
    "Account",
    "Bank",
    "Effect",
    "Fault",
    "GaveUp",
    "LoopbackMissing",
    "Movement",
    "Posted",
    "Refused",
    "Street",
    "Transfer",
    "Trouble",
    "Zone",
    "running",
]
