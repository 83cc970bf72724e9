"""Wave files of a run, with what shows them in a viewer."""
