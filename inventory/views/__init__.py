"""The seller's pages, mounted under /sell/."""
