"""A CRM that takes signed lead webhooks, and remembers everything that reached it."""
