"""What the engine needs from the outside, as Protocols: at most eight verbs each, and one verb is one commit.

A verb that changes something has happened wholly and durably when it returns, and not at all when it raises.
"""
