"""The machine of section 4.4 as the paper draws it: paths in their order, P banks a side."""
