"""What `fit` was given: one object for each kind of data."""
