"""The `holdgate` command: one module for each family of subcommands."""
