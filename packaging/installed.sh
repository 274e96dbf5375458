#!/bin/sh
# Tells systemd that the unit came or changed, where systemd runs. A capture goes on with
# the program that it was started with: one of the new program would not know what the
# domains have set up before. Whoever upgrades is told ("abort-..." is what dpkg says where
# that failed).
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	case "$1" in
	abort-*) ;;
	*)
		if systemctl --quiet is-active iotrace.service; then
			echo "iotrace.service goes on with the program from before. 'systemctl restart iotrace'"
			echo "begins a capture with the new one, which knows only a part of the domains that run now."
		fi
		;;
	esac
fi
