#!/bin/sh
# Ends the service before its files go, but not in an upgrade ("upgrade" is what
# dpkg says then, 1 what rpm says).
if [ "$1" != upgrade ] && [ "$1" != 1 ] && [ -d /run/systemd/system ]; then
	systemctl disable --now iotrace.service || true
fi
