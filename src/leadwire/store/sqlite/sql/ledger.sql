-- The ledger itself.

-- name: beat
UPDATE heartbeat SET at = :now
