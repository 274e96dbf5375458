#!/bin/sh
# Ends the service before its files go, and in no other case ("remove" is what dpkg says
# then, 0 what rpm says).
if { [ "$1" = remove ] || [ "$1" = 0 ]; } && [ -d /run/systemd/system ]; then
	systemctl disable --now iotrace.service || true
fi
