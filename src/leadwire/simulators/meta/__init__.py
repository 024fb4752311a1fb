"""Meta's Graph API and lead webhooks, as far as a lead integration meets them."""
