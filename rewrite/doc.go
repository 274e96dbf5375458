// Package rewrite makes traces out of traces, event by event: smaller ones, parts
// of one, one of its parts. It keeps sequence numbers and key-frames, so that
// what is made replays like what it was made from.
//
// It works on streams of events. Headers, provenance and files are its callers'
// business.
package rewrite
