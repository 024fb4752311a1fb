"""Where a ledger lives: in one SQLite file, or in memory."""
