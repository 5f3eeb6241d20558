"""Programs that run a server of the lab with a planted defect, for `contract.test_defects`."""
