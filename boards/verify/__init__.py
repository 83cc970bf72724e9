"""The netlists of the boards' engines against the golden model: what is run, what is compared."""
