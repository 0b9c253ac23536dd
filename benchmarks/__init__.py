"""What speed and size cost, measured; ./scripts/benchmarks prints it. One file per subject."""
