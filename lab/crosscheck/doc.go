// Package crosscheck compares a trace with what a device model wrote down about
// the same session, one by one: every request that it served with the answer it
// gave, every entry that it took from its rings, every dm_op that it made with
// its result. The device model's log is the truth; the trace is what is judged.
//
// One thing that a device model logs need not be in the trace. When Xen lowers
// both pointers of a ring in atomic mode (ioreq_send_buffered), real Xen 4.14 to
// 4.20 now and then loses an increment of the read pointer that falls between its
// two looks at the pair: the device model then takes the same slot twice in a row.
// The guest sent that request once, and the trace has it once. Such repeats are
// counted and not compared.
//
// It finds the device model in the trace by its process name, judges nothing
// that the trace counts as lost, and reports a bounded number of mismatches.
package crosscheck
