"""What starts axej at its time: tasks (what launchd and systemd have in common), launchd, systemd."""
