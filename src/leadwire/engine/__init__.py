"""The services of a lead's life, one file each; each is a `run_once(now)` that does one bounded piece of work."""
