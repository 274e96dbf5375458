#!/bin/sh
# Tells systemd that the unit changed or went, where systemd runs.
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
