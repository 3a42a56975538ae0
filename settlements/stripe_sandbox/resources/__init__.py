"""One file per Stripe resource: its shape, its rules, its ENDPOINTS."""
