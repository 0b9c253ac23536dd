"""The functions of the test stack."""
