// Package metrics shows the counters of a running capture to Prometheus, over a
// unix socket or a loopback port.
//
// A Server answers GET /metrics with the text exposition format and nothing
// else. It asks for a Snapshot at each request and keeps none. It never listens
// on an address that other machines reach, and a unix socket is its owner's
// alone (mode 0600). What the numbers are is said at Snapshot; their names are
// stable:
//
//	iotrace_events_total                 events taken from the probes and written
//	iotrace_refused_total                events that could not be written (full disk)
//	iotrace_lost_total{probe,reason}     what was lost, as the trace says it
//	iotrace_written_bytes_total          bytes of trace written
//	iotrace_files_total                  files begun
//	iotrace_lag_seconds                  age of the newest event when it was written
//	iotrace_start_time_seconds           when the capture began
//	iotrace_info{version,tier,xen}       1
//
// A Server's methods may be called from any goroutine; the function that gives
// snapshots is called from several at once.
package metrics
