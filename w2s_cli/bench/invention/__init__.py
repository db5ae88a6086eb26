"""How much methods draw that is not there, on simulated fields with known truth."""
