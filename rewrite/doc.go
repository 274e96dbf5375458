// Package rewrite makes traces out of traces, event by event: smaller ones, parts
// of one, one of its parts. It keeps sequence numbers and key-frames, so that
// what is made replays like what it was made from.
//
// It works on streams of events. An error among those that it reads is the last pair
// of those that it yields. Headers, provenance and files are its callers' business.
package rewrite
