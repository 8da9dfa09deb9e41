"""The money side derived anew from the ledger's lines and the decisions behind them."""
