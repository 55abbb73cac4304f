"""What is measured about caselink; `caselink bench` lists it."""
