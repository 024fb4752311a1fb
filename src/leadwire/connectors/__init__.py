"""One folder per connector; its name is its type. Nothing else names them: a folder dropped in here is found."""
