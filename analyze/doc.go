// Package analyze folds a trace into facts, without a model of Xen: what is in
// it, how much, how long, how much is missing.
//
// An accumulator has Add, for one event, which never fails and keeps O(facts) memory,
// and a method that returns the facts so far. The package opens no file, reads
// no clock and judges nothing: whether Xen did right is package replay's
// question. Accumulators are not safe for concurrent use. Their results do not
// depend on map order.
package analyze
