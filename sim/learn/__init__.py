"""The engine that learns, in a compiled simulation, held to the golden learner."""
