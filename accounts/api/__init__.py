"""What every app's API stands on: who is asking, what they may do, how refusals read, and how a retry is safe."""
