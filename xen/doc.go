// Package xen is the part of Xen's public ABI that iotrace speaks: identifiers,
// memory types, ioreqs and the pages they live in, dm_op and its ancestor
// hvm_op, resource mapping, event channels, and the ioctls of dom0's privcmd
// and evtchn devices.
//
// Everything here is a value. Decoders take captured bytes and never keep them;
// encoders append to a slice that the caller owns. Nothing does I/O, reads a
// clock or panics on input: a decoder that gets too few bytes returns a
// *SizeError, and numbers that this package does not know are carried, not
// refused. All layouts are little-endian, as on the only architecture (x86-64)
// whose dom0 is captured. Values may be used from any goroutine.
package xen
