"""Every door of caselink: command line, HTTP, its typed client, and the settings."""
