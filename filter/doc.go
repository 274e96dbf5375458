// Package filter selects events by an expression over their fields:
//
//	kind==ioreq && dom==3 && size==4 && addr in 0x100..0x1ff
//	!(type==pio || type==pci_config) && server
//	ret in {-16, -22} and time >= 168.8
//
// A comparison is FIELD, an operator (==, !=, <, <=, >, >=) and a value, or FIELD
// in and a value, a range A..B with both ends, or several of these in braces.
// Fields and values are those of the text form of a trace: a number in either
// base, or a name; in quotes where it has other characters than letters, digits
// and ._-+:\. The fields seq, time (in seconds) and kind belong to every event.
// FIELD alone says that an event has such a value and, of a flag, that it is
// set. Comparisons are joined by ! (not), && (and) and || (or), in falling order
// of strength, and by parentheses.
//
// A comparison is false, whatever its operator, for an event that has no such
// field, or not now: an absent id, bytes that were not captured. So addr!=5 does
// not select events without an address, and !(addr==5) does.
//
// Filters are for what happened. Those who have key-frames leave their events out
// before they ask.
//
// Compile reads the table of package format once; Match then takes constant time
// for an expression and allocates nothing. A Filter does not change and may be
// used from any goroutines.
package filter
