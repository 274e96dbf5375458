// Package dom0 is what the lab runs inside dom0: it starts Xen's tools, creates
// the guest, plays one scenario and collects what it left. The host side tells it
// what to do with a Config in the run's payload, and gets the files of OutDir.
//
// Every step waits for a condition; limits only bound failure. The first error
// ends a scenario, but whatever was running is stopped and what it had written
// is collected all the same.
//
// dom0 has systemd only where a package's service is to run; the agent is one of its
// services then.
package dom0
