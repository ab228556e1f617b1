"""Disks that come and go: mounts (the port, and what watches), linux and mac (what the system says of a disk)."""
