"""The one way out: every HTTP request that leadwire makes leaves through this room."""
