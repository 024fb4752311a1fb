"""What answers HTTP: the webhook doors, the API and the pages."""
