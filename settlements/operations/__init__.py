"""What is done with money owed: drawing it up, collecting it, keeping the cards it is collected from."""
