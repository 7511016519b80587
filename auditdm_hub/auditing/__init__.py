"""The audit: an auditor writes probes, the target and the references answer, a vote says where the target fails."""
