// Package crosscheck compares a trace with what a device model wrote down about
// the same session, one by one: every request that it served with the answer it
// gave, every entry that it took from its rings, every dm_op that it made with
// its result. The device model's log is the truth; the trace is what is judged.
//
// It finds the device model in the trace by its process name, judges nothing
// that the trace counts as lost, and reports a bounded number of mismatches.
package crosscheck
